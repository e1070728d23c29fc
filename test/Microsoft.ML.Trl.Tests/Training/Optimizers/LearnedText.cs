using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Optimizers;

/// <summary>A small GPT-2 that learns the bytes of a text.</summary>
internal static class LearnedText
{
    private const int Length = 32;

    /// <summary>A text of the repository: the licence and the guide for contributors.</summary>
    public static byte[] OfRepository()
    {
        for (DirectoryInfo? folder = new(Fixtures.Path()); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "CONTRIBUTING.md")))
                return [.. File.ReadAllBytes(Path.Combine(folder.FullName, "CONTRIBUTING.md")),
                    .. File.ReadAllBytes(Path.Combine(folder.FullName, "LICENSE"))];
        throw new FileNotFoundException("CONTRIBUTING.md");
    }

    /// <summary>Mean loss of the last fifth of a run.</summary>
    public static double Loss(byte[] text, int steps, SftOptions options)
    {
        using CausalLanguageModel made = CausalLanguageModel.Create(ModelConfig.Gpt2(256, 64, 2, 2, Length, dropout: 0), 1);
        using CausalLanguageModel model = made.Copy(
            type: options.Bf16 ? TorchSharp.torch.ScalarType.BFloat16
                : options.Fp16 ? TorchSharp.torch.ScalarType.Float16 : TorchSharp.torch.ScalarType.Float32);
        int rows = Math.Min(text.Length / Length, steps * 8);
        TokenExample[] examples =
            [.. text.Select(one => (int)one).Chunk(Length).Take(rows).Select(ids => new TokenExample(ids, 0))];
        var reports = new Collected();
        new SftLoop(model, options with { MaxSteps = steps, LoggingSteps = 1, MaxLength = Length }, reports).Run(examples);
        Close.Below(0.9 * reports.Reports[0].Metrics["loss"], reports.Reports[^1].Metrics["loss"], "it learns");
        return reports.Reports.TakeLast(steps / 5).Average(report => report.Metrics["loss"]);
    }
}
