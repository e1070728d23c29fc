using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Distillation;

/// <summary>MiniLLM's loss by its definition, and what its options do.</summary>
[TestClass]
public sealed class MiniLlmTests
{
    private static readonly MiniLlmOptions Bent = new()
    {
        NumGenerations = 2, KdTemperature = 2, Gamma = 0.5, Beta = 0.3, Epsilon = 0.1,
        Generation = new() { MaxNewTokens = 6, Temperature = 0.7 },
    };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    [DataRow(true, true, true, ImportanceSamplingLevel.Token)]
    [DataRow(true, false, false, ImportanceSamplingLevel.Token)]
    [DataRow(false, true, true, ImportanceSamplingLevel.Token)]
    [DataRow(true, true, true, ImportanceSamplingLevel.Sequence)]
    public void Loss_and_gradient_are_those_of_the_definition(
        bool hasAdvantage, bool hasSingleStep, bool normalizes, ImportanceSamplingLevel level)
    {
        MiniLlmOptions options = Bent with
        {
            RklAdvantage = hasAdvantage, SingleStepDecomposition = hasSingleStep, LengthNormalization = normalizes,
            ImportanceSamplingLevel = level,
        };
        using var scope = NewDisposeScope();
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        using TokenBatch batch = student.BatchOf([new([1, 2, 7, 9, 4], 2), new([3, 8, 8], 1), new([5, 6, 11], 2)], paddingFree: false);
        int[] rowOf = [0, 0, 0, 1, 1, 2];
        Tensor hidden = randn(6, 16) * 0.3, theirs = randn(6, 24) * 0.3;
        float[] advantages = [0.8f, -0.6f, 0.1f];
        float[] before = [-3.8f, -4.1f, -3.9f, -3.7f, -3.95f, -4.2f], reference = [-4, -4, -4, -4, -4, -3];
        var at = new Definition(options, student.Head.Weight, teacher.Head.Weight, theirs, batch.Labels.data<long>().ToArray(), rowOf);
        double[] charged = at.Advantages(hidden, advantages);
        double Loss(Tensor states) => at.Loss(states, charged, before, reference, tokens: 20);
        Tensor leaf = hidden.clone().requires_grad_();
        var tokens = new GroupTokens(
            3, tensor(Array.ConvertAll(rowOf, row => (long)row)), tensor(advantages), tensor(before), tensor(reference))
        {
            States = new GroupStates(batch, leaf, theirs),
        };
        TokenLogProbs now = LogProbs.WithStatistics(leaf, student.Head.Detached() with { Temperature = 0.7 }, batch.Labels);
        (Tensor loss, Dictionary<string, float> figures) =
            new MiniLlmObjective(student, teacher, options).Loss(tokens, now.LogProbs, now.Entropy, new GroupTotals(3, 20, 1));
        Close.Absolute(Loss(hidden.to_type(ScalarType.Float64)), loss.item<float>(), 1e-5, "loss");
        loss.backward();
        Close.Relative(FiniteDifferences.Of(hidden, Loss), leaf.grad!, 1e-4, "gradient");
        Assert.AreEqual(hasAdvantage, figures.ContainsKey("reverse_kl"));
        Assert.AreEqual(hasSingleStep, figures.ContainsKey("single_step_loss"));
        if (hasAdvantage)
            Close.Absolute(-at.Rewards(hidden).Average(), figures["reverse_kl"], 1e-5, "mean log p - log q");
        if (hasSingleStep)
            Close.Absolute(at.Divergence(hidden.to_type(ScalarType.Float64)) / 6, figures["single_step_loss"], 1e-5, "mean KL");
        if (hasAdvantage && !normalizes) // of the first row: what follows counts half
            Close.Absolute(
                advantages[0] + at.Rewards(hidden)[0] + (0.5 * at.Rewards(hidden)[1]) + (0.25 * at.Rewards(hidden)[2]), charged[0], 1e-9);
    }

    [TestMethod]
    [DataRow(GrpoLossType.Grpo)]
    [DataRow(GrpoLossType.DrGrpo)]
    [DataRow(GrpoLossType.Dapo)]
    [DataRow(GrpoLossType.Bnpo)]
    [DataRow(GrpoLossType.Cispo)]
    [DataRow(GrpoLossType.Sapo)]
    [DataRow(GrpoLossType.Luspo)]
    [DataRow(GrpoLossType.Vespo)]
    public void A_teacher_that_says_the_same_leaves_a_step_of_GRPO(GrpoLossType type)
    {
        GrpoLossOptions Of(GrpoLossOptions options) => options with
        {
            LossType = type, EpsilonHigh = type == GrpoLossType.Cispo ? 5 : null, NumGenerations = 4, MaxSteps = 1, LearningRate = 0.5,
            ImportanceSamplingLevel = type == GrpoLossType.Luspo ? ImportanceSamplingLevel.Sequence : ImportanceSamplingLevel.Token,
            Optim = OptimizerKind.Sgd, Generation = new() { MaxNewTokens = 6 }, DisableDropout = true,
        };
        var options = (MiniLlmOptions)Of(new MiniLlmOptions
        {
            RewardWeights = [1], RklAdvantage = type is not (GrpoLossType.Luspo or GrpoLossType.Vespo),
        });
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Student();
        using CausalLanguageModel policy = DistillationRuns.Student();
        GroupWork Work() => new(
            [.. DistillationRuns.Rows(4).Select(row => row.Prompt)], DistillationRuns.Scorer(options), [1]);
        float[] before = TinyModels.Flat(student.Weights());
        DistillationRuns.MiniLlm(student, teacher, options, Work());
        Loops.Grpo(policy, null, (GrpoOptions)Of(new GrpoOptions()), Work());
        Close.Absolute(TinyModels.Flat(policy.Weights()), TinyModels.Flat(student.Weights()), 2e-6, $"{type}");
        Close.Differ(before, TinyModels.Flat(student.Weights()), 1e-4, $"{type}");
    }

    [TestMethod]
    public void At_step_0_KL_to_the_reference_is_0_and_no_ratio_is_clipped()
    {
        MiniLlmOptions options = Bent with { MaxSteps = 2, LoggingSteps = 1, LearningRate = 1e-2 };
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        List<StepReport> reports = DistillationRuns.Run(options, student, teacher);
        Close.Absolute(0, reports[0]["kl"], 1e-6);
        Assert.AreEqual(0, reports[0]["clip_ratio/region_mean"]);
        Close.Above(1e-6, reports[1]["kl"], "after a step");
        Assert.IsFalse(reports[0].Metrics.ContainsKey("reward"), "there is no reward");
        Assert.AreEqual("MiniLLM", reports[0].Stage);
    }

    [TestMethod]
    public void Nothing_is_learnt_from_completions_that_were_cut_where_such_are_left_out()
    {
        MiniLlmOptions options = Bent with
        {
            MaxSteps = 2, MaskTruncatedCompletions = true, Beta = 0, Generation = new() { MaxNewTokens = 4, EosTokenIds = [] },
        };
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        float[] before = TinyModels.Flat(student.Weights());
        DistillationRuns.Run(options, student, teacher);
        CollectionAssert.AreEqual(before, TinyModels.Flat(student.Weights()));
    }

    [TestMethod]
    public void Rewards_beside_the_teacher_rise_and_without_them_they_do_not()
    {
        double Gain(bool isRewarded)
        {
            RewardFunction letters = RewardFunction.Of((_, completion) => completion.Count(letter => letter == 'o'));
            MiniLlmOptions options = new()
            {
                MaxSteps = 40, LearningRate = 2e-2, PerDeviceTrainBatchSize = 32, LoggingSteps = 1,
                LrSchedulerType = LrSchedulerType.Constant, Generation = new() { MaxNewTokens = 6 }, ScaleRewards = ScaleRewards.None,
                RewardWeights = [isRewarded ? 5 : 0], // nats that an o is worth beside what the teacher says
            };
            using TextGenerationTransformer fitted = _ml.Trl().MiniLlm(Tiny.Source(), Tiny.Source(seed: 8), [letters], options)
                .Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs));
            string name = fitted.Reports[0].Metrics.Keys.Single(key => key.StartsWith("rewards/", StringComparison.Ordinal)
                && key.EndsWith("/mean", StringComparison.Ordinal));
            return fitted.Reports.TakeLast(3).Average(report => report[name]) - fitted.Reports.Take(3).Average(report => report[name]);
        }
        double without = Gain(isRewarded: false);
        Close.Above(without + 0.5, Gain(isRewarded: true), "o per completion");
        Close.Below(0.3, without, "the teacher has no liking for them");
    }

    [TestMethod]
    public void Evaluations_measure_what_the_teacher_says_and_change_nothing() => Leaks.None(() =>
    {
        MiniLlmOptions options = Bent with { MaxSteps = 3, LoggingSteps = 1, LearningRate = 1e-2, EvalSteps = 1 };
        (_, float[] plain) = Run(options, evaluates: false);
        MiniLlmOptions watched = options with { EvalStrategy = EvalStrategy.Steps, EvalOnStart = true, NumGenerationsEval = 3 };
        (List<StepReport> reports, float[] weights) = Run(watched, evaluates: true);
        CollectionAssert.AreEqual(plain, weights);
        StepReport[] evaluations = [.. reports.Where(report => report.Metrics.ContainsKey("eval_loss"))];
        Assert.HasCount(4, evaluations);
        foreach (string name in new[] { "eval_reverse_kl", "eval_single_step_loss", "eval_entropy", "eval_loss" })
            Close.Above(0, evaluations[0][name], name); // the teacher is another one
        (List<StepReport> small, _) = Run(watched with { PerDeviceEvalBatchSize = 2, PerDeviceTrainBatchSize = 8 }, evaluates: true);
        foreach ((StepReport whole, StepReport part) in evaluations.Zip(small.Where(report => report.Metrics.ContainsKey("eval_loss"))))
            foreach ((string name, double value) in whole.Metrics.Where(figure => figure.Key != "epoch"))
                Close.Absolute(value, part[name], 2e-5, name);
        (List<StepReport> rewarded, _) = Run(watched with { RewardWeights = [0.5], Gamma = 0 }, evaluates: true);
        StepReport first = rewarded[0];
        Close.Absolute(0.5 * first["eval_rewards/reward/mean"], first["eval_reward"], 1e-9);
        Close.Absolute(first["eval_reverse_kl"] + first["eval_single_step_loss"], first["eval_loss"], 1e-5);

        static (List<StepReport>, float[]) Run(MiniLlmOptions options, bool evaluates)
        {
            using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
            var progress = new Collected();
            IRolloutScorer scorer = DistillationRuns.Scorer(options);
            IReadOnlyList<double> weights = options.RewardWeights ?? [];
            var work = new GroupWork([.. DistillationRuns.Rows(6).Select(row => row.Prompt)], scorer, weights)
            {
                HeldOut = evaluates ? new ScoredPrompts(Toys.Rows(4, 5, 2, 7), scorer, weights) : null,
            };
            DistillationRuns.MiniLlm(student, teacher, options, work, progress);
            return (progress.Reports, TinyModels.Flat(student.Weights()));
        }
    });

    [TestMethod]
    public void What_a_teacher_of_a_short_context_cannot_read_is_left_out()
    {
        var lengths = new List<(int Prompt, int Whole)>();
        RewardFunction watch = RewardFunction.Of(row =>
        {
            lengths.Add((row.PromptIds.Count, row.PromptIds.Count + row.CompletionIds.Count));
            return 0.0;
        });
        ModelConfig shorter = ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize, 16, 1, 2, 8, dropout: 0);
        MiniLlmOptions options = new()
        {
            MaxSteps = 3, NumGenerations = 2, NumIterations = 2, Generation = new() { MaxNewTokens = 12, EosTokenIds = [] },
        };
        string[] prompts = ["a", "the film", string.Join(' ', Enumerable.Repeat("the plot of the film", 3))];
        using LanguageModel start = Tiny.Model();
        Assert.IsGreaterThanOrEqualTo(8, start.Tokenizer.Encode(prompts[2]).Length);
        using TextGenerationTransformer fitted = _ml.Trl()
            .MiniLlm(Tiny.Source(), ModelSource.New(shorter, Tiny.Tokenizer, seed: 8), [watch], options)
            .Fit(_ml.Data.LoadFromEnumerable(prompts.Select(prompt => new Tiny.PromptRow { Prompt = prompt })));
        Assert.AreEqual(8, lengths.Max(row => row.Whole));
        Assert.AreEqual(1, fitted.Reports[0]["data/no_answer_possible"]);
    }

    /// <summary>From states to the loss in float64, with whole distributions and a loop over the tokens.</summary>
    private sealed record Definition(MiniLlmOptions Options, Tensor Ours, Tensor Teachers, Tensor Theirs, long[] Labels, int[] RowOf)
    {
        private double[] Drawn(Tensor states, Tensor weight, double temperature)
        {
            Tensor logs = Logs(states, weight, temperature);
            return [.. Labels.Select((label, at) => logs[at, label].item<double>())];
        }

        private static Tensor Logs(Tensor states, Tensor weight, double temperature) =>
            (states.to_type(ScalarType.Float64).matmul(weight.detach().to_type(ScalarType.Float64).t()) / temperature).log_softmax(-1);

        /// <summary>log q - log p of each token.</summary>
        public double[] Rewards(Tensor states) =>
        [
            .. Drawn(Theirs, Teachers, Options.KdTemperature).Zip(Drawn(states, Ours, Options.KdTemperature), (q, p) => q - p),
        ];

        /// <summary>That of the completion, and what the teacher says from each token on.</summary>
        public double[] Advantages(Tensor states, float[] ofRows)
        {
            double[] rewards = Rewards(states);
            return [.. RowOf.Select((row, at) =>
            {
                if (!Options.RklAdvantage)
                    return (double)ofRows[row];
                double sum = 0, weight = 0;
                for (int next = at; next < RowOf.Length && RowOf[next] == row; next++)
                {
                    sum += Math.Pow(Options.Gamma, next - at) * rewards[next];
                    weight += Math.Pow(Options.Gamma, next - at);
                }
                return ofRows[row] + (Options.LengthNormalization ? sum / weight : sum);
            })];
        }

        /// <summary>KL(student ‖ teacher), summed over the positions.</summary>
        public double Divergence(Tensor states)
        {
            Tensor p = Logs(states, Ours, Options.KdTemperature), q = Logs(Theirs, Teachers, Options.KdTemperature);
            return (p.exp() * (p - q)).sum().item<double>();
        }

        public double Loss(Tensor states, double[] advantages, float[] before, float[] reference, int tokens)
        {
            double[] now = Drawn(states, Ours, Options.Generation.Temperature);
            double[] logRatios = [.. now.Zip(before, (log, old) => log - old)];
            if (Options.ImportanceSamplingLevel == ImportanceSamplingLevel.Sequence)
                logRatios = [.. RowOf.Select(row => logRatios.Where((_, at) => RowOf[at] == row).Average())];
            double costs = now.Select((log, at) =>
            {
                double ratio = Math.Exp(logRatios[at]), apart = reference[at] - log;
                double clipped = Math.Clamp(ratio, 1 - Options.Epsilon, 1 + Options.Epsilon);
                return -Math.Min(ratio * advantages[at], clipped * advantages[at])
                    + (Options.Beta * (Math.Exp(apart) - apart - 1));
            }).Sum();
            return (costs + (Options.SingleStepDecomposition ? Divergence(states) : 0)) / tokens;
        }
    }
}
