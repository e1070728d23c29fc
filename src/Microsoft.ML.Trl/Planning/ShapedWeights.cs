using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Planning;

/// <summary>
/// Gives parameters that have the shape they would have, and the memory of one number: a model of them says what it is made of, and cannot
/// compute.
/// </summary>
internal sealed class ShapedWeights : WeightSource
{
    protected override Tensor Make(string name, Initializer initializer, long[] shape) => zeros(1).expand(shape);
}
