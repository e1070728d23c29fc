
using Microsoft.ML.Trl.Planning;
using static TorchSharp.torch;
namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>What is measured. In training half of each row is prompt.</summary>
internal static class Tasks
{
    private const int PromptLength = 32, LongPrompt = 256, NewTokens = 64, Prompts = 8;
    private const int Beginning = 200, Own = 8, Few = 8; // tokens that prompts share, and do not; new ones
    private const int RateMeasurements = 10;
    private const double LearningRate = 1e-5;

    private static readonly GenerationOptions Greedy =
        new() { MaxNewTokens = NewTokens, MinNewTokens = NewTokens, DoSample = false, EosTokenIds = [] };

    private static readonly GenerationOptions Short = Greedy with { MaxNewTokens = Few, MinNewTokens = Few };

    public static readonly IReadOnlyDictionary<string, Func<Shape, Measurement, int>> All =
        new Dictionary<string, Func<Shape, Measurement, int>>
        {
            ["sft"] = Sft,
            ["ragged"] = (shape, measured) => Ragged(shape, measured, paddingFree: false),
            ["ragged-free"] = (shape, measured) => Ragged(shape, measured, paddingFree: true),
            ["reward"] = Reward,
            ["dpo"] = Dpo,
            ["ppo"] = Ppo,
            ["grpo"] = (shape, measured) => GrpoTask.Run(shape, measured, PromptLength),
            ["grpo-plain"] = (shape, measured) => GrpoTask.Plain(shape, measured, PromptLength),
            ["grpo-long"] = (shape, measured) => GrpoTask.Run(shape, measured, LongPrompt),
            ["grpo-long-plain"] = (shape, measured) => GrpoTask.Plain(shape, measured, LongPrompt),
            ["generate"] = (shape, measured) => Generate(shape, measured, Greedy, shape.Rows(shape.Prompts, PromptLength, seed: 2)),
            ["sample"] = (shape, measured) => Generate(
                shape, measured, Greedy with { DoSample = true, TopK = 50 }, shape.Rows(shape.Prompts, PromptLength, seed: 2)),
            ["beams"] = (shape, measured) => Generate(
                shape, measured, Greedy with { NumBeams = 4 }, shape.Rows(shape.Prompts, PromptLength, seed: 2)),
            ["apart"] = (shape, measured) => Generate(shape, measured, Short, shape.Rows(Prompts, Beginning + Own, seed: 2)),
            ["shared"] = (shape, measured) => Generate(shape, measured, Short, Shared(shape)), // the same, but for equal beginnings
            ["optimizer"] = OptimizerTask.Run,
            ["folder"] = FineTuneTask.Make,
            ["finetune"] = FineTuneTask.Run,
            ["tokenize"] = (shape, measured) => Tokenization.Encode(measured, batches: false),
            ["tokenize-batch"] = (shape, measured) => Tokenization.Encode(measured, batches: true),
        };

    private static int Sft(Shape shape, Measurement measured)
    {
        using CausalLanguageModel model = shape.Model(seed: 1);
        int[][] rows = shape.Rows(shape.BatchSize * 4, shape.Length, seed: 2);
        TokenExample[] examples = [.. rows.Select(ids => new TokenExample(ids, shape.Length / 2))];
        var options = shape.Memory.On(new SftOptions
        {
            PerDeviceTrainBatchSize = shape.BatchSize,
            MaxLength = null,
            MaxSteps = measured.MostSteps,
            LearningRate = LearningRate,
            LoggingSteps = 1,
        });
        measured.Loop((progress, cancel) => new SftLoop(model, options, progress).Run(examples, cancel));
        measured.PlannedSeconds = Planned(shape, options);
        return shape.BatchSize * shape.Length;
    }

    /// <summary>What a plan says, at the best rate that the machine shows when the run is over.</summary>
    private static double Planned(Shape shape, SftOptions options)
    {
        using ModelShape model = ModelShape.Of(shape.Config(), options);
        var lengths = new TextLengths(shape.Length, shape.Length, shape.Length / 2.0, shape.Length / 2.0, "");
        var place = new Placement(shape.Device, shape.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32);
        ComputeRate[] rates = [.. Enumerable.Range(0, RateMeasurements).Select(_ => ComputeRate.Measure(place, model.Config))];
        var best = new ComputeRate(rates.Max(rate => rate.Operations), rates.Max(rate => rate.Bytes));
        return new StepTime(model, options, lengths, best).Seconds();
    }

    // rows of very different lengths, the same in every step
    private static int Ragged(Shape shape, Measurement measured, bool paddingFree)
    {
        int[] lengths = [512, 320, 192, 128, 64, 64, 32, 32];
        using CausalLanguageModel model = shape.Model(seed: 1);
        TokenExample[] examples = [.. lengths.Select((length, row) => new TokenExample(shape.Rows(1, length, seed: row)[0]))];
        var options = shape.Memory.On(new SftOptions
        {
            PerDeviceTrainBatchSize = lengths.Length,
            TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
            MaxSteps = measured.MostSteps,
            LearningRate = LearningRate,
            LoggingSteps = 1,
            PaddingFree = paddingFree,
        });
        measured.Loop((progress, cancel) => new SftLoop(model, options, progress).Run(examples, cancel));
        return lengths.Sum();
    }

    private static int Reward(Shape shape, Measurement measured)
    {
        using RewardModel model = shape.Placed(RewardModel.Create(shape.Config(), seed: 1));
        var options = shape.Memory.On(new RewardOptions
        {
            PerDeviceTrainBatchSize = shape.BatchSize,
            MaxSteps = measured.MostSteps,
            LearningRate = LearningRate,
            LoggingSteps = 1,
        });
        measured.Loop((progress, cancel) => new RewardLoop(model, options, progress).Run(Pairs(shape), cancel));
        return 2 * shape.BatchSize * shape.Length;
    }

    private static int Dpo(Shape shape, Measurement measured)
    {
        using CausalLanguageModel policy = shape.Model(seed: 1);
        var options = shape.Memory.On(new DpoOptions
        {
            PerDeviceTrainBatchSize = shape.BatchSize,
            MaxSteps = measured.MostSteps,
            LearningRate = LearningRate,
            LoggingSteps = 1,
        });
        measured.Loop((progress, cancel) => new DpoLoop(policy, null, options, progress).Run(Pairs(shape), cancel));
        return 2 * shape.BatchSize * shape.Length;
    }

    // one step: sample 32 tokens for each of 8 prompts, then 4 epochs in mini-batches of 4
    private static int Ppo(Shape shape, Measurement measured)
    {
        const int Answer = 32;
        using CausalLanguageModel policy = shape.Model(seed: 1);
        var generation = new GenerationOptions { MaxNewTokens = Answer, MinNewTokens = Answer, TopK = 50, EosTokenIds = [] };
        var options = shape.Memory.On(new PpoOptions
        {
            BatchSize = Prompts,
            MiniBatchSize = 4,
            PpoEpochs = 4,
            LearningRate = LearningRate,
            Generation = generation,
        });
        using var session = new PpoSession(policy, options);
        var random = new Random(3);
        int[][] prompts = shape.Rows(Prompts, PromptLength, seed: 2);
        measured.Repeat(() => session.Step(prompts, session.Generate(prompts), [.. prompts.Select(_ => (2 * random.NextDouble()) - 1)]));
        return Prompts * (PromptLength + Answer);
    }

    private static int Generate(Shape shape, Measurement measured, GenerationOptions options, int[][] prompts)
    {
        using CausalLanguageModel model = shape.Generating(seed: 1);
        model.eval();
        var generator = new TokenGenerator(model);
        measured.Repeat(() => generator.Generate(prompts, options));
        return prompts.Length * options.MaxNewTokens;
    }

    private static int[][] Shared(Shape shape)
    {
        int[] beginning = shape.Rows(1, Beginning, seed: 3)[0];
        return Array.ConvertAll(shape.Rows(Prompts, Own, seed: 2), own => (int[])[.. beginning, .. own]);
    }

    private static List<PreferenceExample> Pairs(Shape shape)
    {
        int half = shape.Length / 2;
        int[][] rows = shape.Rows(shape.BatchSize * 4, shape.Length + half, seed: 2);
        return [.. rows.Select(ids => new PreferenceExample(ids[..half], ids[half..(2 * half)], ids[(2 * half)..]))];
    }
}
