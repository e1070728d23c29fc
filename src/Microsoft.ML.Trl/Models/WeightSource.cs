using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Where a model under construction gets its parameters from: drawn at random, copied, or read from a file.</summary>
internal abstract class WeightSource
{
    /// <summary>A parameter in the device and type of the source.</summary>
    /// <param name="name">Name in a Hugging Face checkpoint, from the root of the model.</param>
    /// <param name="fresh">How it is drawn when there is no stored value.</param>
    /// <param name="shape">Its sizes.</param>
    /// <returns>A parameter outside of every dispose scope. The module that asks owns it.</returns>
    public Parameter Take(string name, Fresh fresh, params long[] shape)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Parameter parameter = new(Make(name, fresh, shape));
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>A new tensor that nobody else uses.</summary>
    protected abstract Tensor Make(string name, Fresh fresh, long[] shape);
}
