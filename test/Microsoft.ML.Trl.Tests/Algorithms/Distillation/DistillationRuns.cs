using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Distillation;

/// <summary>A student, a teacher with opinions, rows, and the methods by name.</summary>
internal static class DistillationRuns
{
    /// <summary>What all runs begin with; a test changes it.</summary>
    public static readonly Dictionary<string, EpochOptions> Methods = new()
    {
        ["GKD on the data"] = new GkdOptions { Lmbda = 0 },
        ["GKD on the student's completions"] = new GkdOptions { Lmbda = 1, MaxNewTokens = 6 },
        ["GKD on the teacher's completions"] = new GkdOptions { Lmbda = 0, SeqKd = true, MaxNewTokens = 6, Beta = 0 },
        ["GKD on both"] = new GkdOptions { Lmbda = 0.5, MaxNewTokens = 6, Beta = 1 },
        ["MiniLLM"] = new MiniLlmOptions { NumGenerations = 2, Generation = new() { MaxNewTokens = 6 }, Gamma = 0.9 },
        ["MiniLLM at a temperature"] = new MiniLlmOptions
        {
            NumGenerations = 1, Generation = new() { MaxNewTokens = 6, Temperature = 0.8 }, KdTemperature = 2,
        },
        ["MiniLLM with rewards"] = new MiniLlmOptions
        {
            NumGenerations = 4, Generation = new() { MaxNewTokens = 6 }, NumIterations = 2, Beta = 0.1, RewardWeights = [0.5],
        },
        ["Distill"] = new DistillOptions { Temperature = 2 },
        ["Distill from the teacher alone"] = new DistillOptions { Alpha = 0, Beta = 0.5 },
    };

    public static IEnumerable<object[]> Names => Methods.Keys.Select(name => new object[] { name });

    public static CausalLanguageModel Student() => TinyModels.Gpt2();

    /// <summary>Its distributions are far from even.</summary>
    public static CausalLanguageModel Teacher(int width = 24) => CausalLanguageModel.Create(
        ModelConfig.Gpt2(TinyModels.Vocabulary, width, 2, 2, 32, dropout: 0.1) with { InitializerRange = 0.4 }, seed: 9);

    /// <summary>Rows of 4 to 12 tokens, 2 of them prompt.</summary>
    public static List<DistillationRow> Rows(int count) =>
        [.. TinyModels.Texts(count).Select(text => new DistillationRow(text.Ids[..text.PromptLength], text))];

    public static List<StepReport> Run(
        EpochOptions options, CausalLanguageModel student, CausalLanguageModel teacher, int rows = 8,
        Action<StepReport>? also = null, CancellationToken cancel = default)
    {
        var progress = new Collected(also);
        List<DistillationRow> data = Rows(rows);
        switch (options)
        {
            case GkdOptions gkd:
                new GkdLoop(student, teacher, gkd, progress).Run(data, cancel);
                break;
            case MiniLlmOptions miniLlm:
                MiniLlm(student, teacher, miniLlm, new GroupWork([.. data.Select(row => row.Prompt)], Scorer(miniLlm), Weights(miniLlm)),
                    progress, cancel);
                break;
            default:
                new DistillLoop(student, teacher, (DistillOptions)options, progress).Run(data, cancel);
                break;
        }
        return progress.Reports;
    }

    public static void MiniLlm(
        CausalLanguageModel student, CausalLanguageModel teacher, MiniLlmOptions options, GroupWork work,
        IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new GroupLoop("MiniLLM", student, options.Validated(), new MiniLlmObjective(student, teacher, options), progress)
            .Run(work, null, cancel);

    /// <summary>Where the options weigh a reward there is one: the share of small ids.</summary>
    public static IRolloutScorer Scorer(MiniLlmOptions options) => new SmallIds(Weights(options).Count);

    private static IReadOnlyList<double> Weights(MiniLlmOptions options) => options.RewardWeights ?? [];

    private sealed class SmallIds(int count) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) => count == 0
            ? new RewardTable([], [], rollout.Responses.Count)
            : RewardTable.Of([.. rollout.Responses.Select(response => response.Average(id => id < 20 ? 1.0 : 0))]);
    }

    /// <summary>The weights that a fresh student ends with.</summary>
    public static float[] Weights(EpochOptions options)
    {
        using CausalLanguageModel student = Student(), teacher = Teacher();
        Run(options, student, teacher, rows: 16);
        return TinyModels.Flat(student.Weights());
    }
}
