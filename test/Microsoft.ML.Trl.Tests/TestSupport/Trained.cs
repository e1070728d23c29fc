using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Tensors as what is trained, called weight0, weight1 and so on.</summary>
internal static class Trained
{
    public static IReadOnlyList<TrainedParameter> Of(params Tensor[] tensors) =>
        [.. TrainedParameter.Of(tensors.Select((tensor, index) => ($"weight{index}", tensor)))];
}
