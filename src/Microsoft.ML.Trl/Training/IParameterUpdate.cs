namespace Microsoft.ML.Trl.Training;

/// <summary>An update rule bound to its parameters. Owns its memory.</summary>
internal interface IParameterUpdate : IDisposable
{
    /// <summary>Euclidean norm over the gradients of all parameters.</summary>
    double GradientNorm();

    /// <summary>Changes the parameters.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientScale">Factor on every gradient, from clipping.</param>
    void Apply(int step, double rate, double gradientScale);
}
