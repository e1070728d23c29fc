namespace Microsoft.ML.Trl;

/// <summary>The update rule.</summary>
public enum OptimizerKind
{
    /// <summary>Adam with decoupled weight decay: arXiv:1711.05101.</summary>
    AdamW,
    /// <summary>Adam: arXiv:1412.6980; weight decay, where asked for, is added to the gradient.</summary>
    Adam,
    /// <summary>Plain gradient descent without momentum.</summary>
    Sgd,
    /// <summary>RMSprop with smoothing 0.99 and no momentum.</summary>
    RmsProp,
    /// <summary>Adagrad without rate decay.</summary>
    Adagrad,
}
