using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Tests.Diffusion;

/// <summary>A denoising network small enough to train within a test, and images for it: bars on a dark ground, upright or flat.</summary>
internal static class Shapes
{
    public const int Side = 8;

    public static DenoiserConfig Config { get; } = new()
    {
        Height = Side,
        Width = Side,
        BlockOutChannels = [16, 16],
        NormNumGroups = 4,
        Words = ["bar", "flat", "upright"],
        Schedule = new() { NumTrainTimesteps = 100, BetaStart = 1e-3, BetaEnd = 0.1 },
    };

    public static string[] Prompts { get; } = ["flat bar", "upright bar"];

    /// <summary>Of random weights, but for the last layer, which would begin at 0 and foresee no noise at all.</summary>
    public static DiffusionModel Model(int seed = 1, DenoiserConfig? config = null)
    {
        DiffusionModel model = DiffusionModel.Create(config ?? Config, seed);
        using var frozen = TorchSharp.torch.no_grad();
        using var rng = new TorchSharp.torch.Generator((ulong)seed);
        foreach ((string name, TorchSharp.torch.Tensor value) in model.Weights().ToArray())
            if (name is "conv_out.weight" || name.EndsWith("conv2.weight", StringComparison.Ordinal))
                value.normal_(0, 0.05, rng);
        return model;
    }

    public static ImageExample[] Examples(int count, int seed = 5)
    {
        var rng = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => new ImageExample(Prompts[i % 2], Bar(i % 2 == 1, rng.Next(Side), rng)))];
    }

    public static IDataView View(MLContext ml, IEnumerable<ImageExample> examples)
    {
        SchemaDefinition schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Image)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, Side * Side);
        return ml.Data.LoadFromEnumerable(examples.Select(each => new Row { Prompt = each.Prompt, Image = each.Pixels }).ToArray(), schema);
    }

    private static float[] Bar(bool isUpright, int place, Random rng)
    {
        float light = 0.3f + (0.5f * rng.NextSingle());
        float[] image = new float[Side * Side];
        for (int i = 0; i < Side; i++)
            image[isUpright ? (i * Side) + place : (place * Side) + i] = light;
        return image;
    }

    public sealed class Row
    {
        public float[] Image { get; set; } = [];

        public string Prompt { get; set; } = "";
    }

    public sealed class Drawn
    {
        public string Prompt { get; set; } = "";

        public float[] GeneratedImage { get; set; } = [];
    }
}
