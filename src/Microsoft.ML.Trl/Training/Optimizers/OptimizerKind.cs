namespace Microsoft.ML.Trl;

/// <summary>The update rule.</summary>
public enum OptimizerKind
{
    /// <summary>Adam with decoupled weight decay: arXiv:1711.05101. 8 bytes of state per weight.</summary>
    AdamW,
    /// <summary>Adam: arXiv:1412.6980; weight decay, where asked for, is added to the gradient. 8 bytes of state per weight.</summary>
    Adam,
    /// <summary>Plain gradient descent without momentum and without state.</summary>
    Sgd,
    /// <summary>RMSprop with smoothing 0.99 and no momentum. 4 bytes of state per weight.</summary>
    RmsProp,
    /// <summary>Adagrad without rate decay. 4 bytes of state per weight.</summary>
    Adagrad,
    /// <summary>
    /// Adafactor: arXiv:1804.04235, with the numbers of transformers' <c>optim="adafactor"</c>: the rate of the schedule
    /// (<c>relative_step</c> and <c>scale_parameter</c> false), no first moment, <c>decay_rate</c> -0.8, <c>clip_threshold</c> 1, epsilon
    /// 1e-30. A matrix has one number of state per row and column.
    /// </summary>
    Adafactor,
    /// <summary>
    /// LION: arXiv:2302.06675, Algorithm 2, with <see cref="TrainingOptions.AdamBeta1"/> and <see cref="TrainingOptions.AdamBeta2"/>; the
    /// paper and bitsandbytes take 0.9 and 0.99, and a rate of a third to a tenth of Adam's. 4 bytes of state per weight.
    /// </summary>
    Lion,
    /// <summary>
    /// <see cref="AdamW"/> with moments in 8 bits, as in bitsandbytes: dynamic quantization in blocks of 256 numbers, arXiv:2110.02861. Of
    /// tensors below 4096 numbers they stay float32. 2.03 bytes of state per weight.
    /// </summary>
    AdamW8Bit,
    /// <summary><see cref="Adam"/> with moments in 8 bits, as <see cref="AdamW8Bit"/>.</summary>
    Adam8Bit,
    /// <summary><see cref="Lion"/> with its moment in 8 bits, as <see cref="AdamW8Bit"/>. 1.02 bytes of state per weight.</summary>
    Lion8Bit,
}
