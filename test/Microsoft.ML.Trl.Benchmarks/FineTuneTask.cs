using TorchSharp;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>Fine-tuning from a folder as a user does it: what a whole process takes, loading included, and the time of a step.</summary>
internal static class FineTuneTask
{
    private static readonly string[] Corpus = ["the film was good and warm", "the film was bad and cold"];

    /// <summary>Writes a folder with random weights in bfloat16.</summary>
    public static int Make(Shape shape, Measurement measured)
    {
        using CausalLanguageModel wide = CausalLanguageModel.Create(shape.Config(), seed: 1);
        using LanguageModel model = new(wide.Copy(type: torch.ScalarType.BFloat16), BpeTrainer.Train(Corpus, 300));
        measured.Repeat(() => model.Save(Folder(shape)));
        return 0;
    }

    /// <summary>SFT of all weights, or of an adapter; the base in few bits where the shape's type says so.</summary>
    public static int Run(Shape shape, Measurement measured)
    {
        MLContext ml = new(1);
        string text = string.Concat(Enumerable.Range(0, shape.Length).Select(i => i % 2 == 0 ? " good" : " film"));
        Row[] rows = [.. Enumerable.Range(0, shape.BatchSize).Select(_ => new Row { Prompt = "the film", Completion = text })];
        var options = shape.Memory.On(new SftOptions
        {
            MaxSteps = measured.MostSteps,
            LoggingSteps = 1,
            MaxLength = shape.Length,
            PerDeviceTrainBatchSize = shape.BatchSize,
            LearningRate = 1e-5,
            Bf16 = shape.Bf16,
            Optim = Enum.Parse<OptimizerKind>(shape.Rule),
            Peft = shape.IsAdapted ? new LoraOptions { R = 8 } : null,
            BaseQuantization = shape.Quantization,
        });
        measured.Loop((progress, cancel) => ml.Trl().Sft(ModelSource.Folder(Folder(shape)), options, progress: progress, cancel: cancel)
            .Fit(ml.Data.LoadFromEnumerable(rows)).Dispose());
        return shape.BatchSize * shape.Length;
    }

    private static string Folder(Shape shape) =>
        shape.Folder ?? throw new ArgumentException("The task needs --folder, where the model is or is to be written.");

    private sealed class Row
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";
    }
}
