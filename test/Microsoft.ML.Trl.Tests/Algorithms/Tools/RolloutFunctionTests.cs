using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Tools;

/// <summary>Completions that a function of the user gives.</summary>
[TestClass]
public sealed class RolloutFunctionTests
{
    private static readonly GrpoOptions Quick = new()
    {
        MaxSteps = 3, NumGenerations = 2, PerDeviceTrainBatchSize = 4, LearningRate = 1e-2, Beta = 0.1, LoggingSteps = 1,
        Generation = new() { MaxNewTokens = 5 },
    };

    private readonly MLContext _ml = new(1);

    private static IReadOnlyList<RolloutAnswer> Draws(RolloutRequest request, int most = 5) =>
    [
        .. request.Generate(request.PromptIds, [.. Enumerable.Range(0, request.Prompts.Count)], most)
            .Select(ids => new RolloutAnswer(ids)),
    ];

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void A_function_that_lets_the_policy_write_changes_nothing(int iterations)
    {
        GrpoOptions options = Quick with { NumIterations = iterations, EvalOnStart = true, EvaluationData = Rows() };
        float[] Weights(GrpoOptions run, out double evaluated)
        {
            using TextGenerationTransformer fitted = Fit(run);
            evaluated = fitted.Reports[0]["eval_reward"];
            return TinyModels.Flat(fitted.Model.Network.Weights());
        }
        float[] plain = Weights(options, out double before);
        float[] own = Weights(options with { RolloutFunc = (request, _) => Task.FromResult(Draws(request)) }, out double same);
        CollectionAssert.AreEqual(plain, own);
        Assert.AreEqual(before, same);
    }

    [TestMethod]
    public void Rewards_are_told_what_the_function_tells_and_what_others_said_is_not_learnt() => Leaks.None(() =>
    {
        List<RewardRow> seen = [];
        RewardFunction reward = RewardFunction.Of(row =>
        {
            seen.Add(row);
            return (double)row.Fields["grade"]!;
        });
        int[] good = Tiny.Tokenizer.Encode(" was good"), hint = Tiny.Tokenizer.Encode(" was");
        GrpoOptions options = Quick with
        {
            MaxSteps = 1,
            RolloutFunc = async (request, _) =>
            {
                await Task.Yield();
                Assert.AreEqual((1, 4, 5), (request.Step, request.Prompts.Count, request.Generation.MaxNewTokens));
                Assert.AreEqual(request.Prompts[0], request.Prompts[1]);
                CollectionAssert.AreEqual(request.Tokenizer.Encode(request.Prompts[2]), request.PromptIds[2].ToArray());
                return
                [
                    .. request.Prompts.Select((_, place) => new RolloutAnswer([.. hint, .. good])
                    {
                        PromptIds = [.. request.PromptIds[place], hint[0]],
                        EnvMask = [.. hint.Select(_ => false), .. good.Select(_ => true)],
                        Fields = new Dictionary<string, object?> { ["grade"] = (double)place },
                    }),
                ];
            },
        };
        using TextGenerationTransformer fitted = Fit(options, reward);
        CollectionAssert.AreEqual(new[] { 0.0, 1, 2, 3 }, seen.Select(row => row.Fields["grade"]).ToArray());
        Assert.AreEqual(Tiny.Tokenizer.DecodeCompletion([.. hint, .. good]), seen[0].Completion);
        Assert.AreEqual(hint[0], seen[0].PromptIds[^1]);
        Assert.AreEqual(1.5, fitted.Reports[0]["reward"]);
        Assert.AreEqual(good.Length, fitted.Reports[0]["completions/mean_length"]);
    });

    [TestMethod]
    public void Drafts_that_are_better_than_the_policys_own_are_learnt()
    {
        int[] draft = Tiny.Tokenizer.Encode(" good");
        GrpoOptions options = Quick with
        {
            MaxSteps = 40, LearningRate = 2e-2, Beta = 0, RolloutFunc = (request, _) =>
            {
                IReadOnlyList<RolloutAnswer> own = Draws(request, draft.Length);
                return Task.FromResult<IReadOnlyList<RolloutAnswer>>(
                    [.. own.Select((answer, place) => place % 2 == 0 ? new RolloutAnswer(draft) : answer)]);
            },
        };
        double Share(LanguageModel model)
        {
            string[] prompts = [.. Enumerable.Repeat("the film", 40)];
            GenerationOptions drawn = new() { MaxNewTokens = draft.Length, NumReturnSequences = 1 };
            return prompts.Select((prompt, seed) => model.Complete(prompt, drawn with { Seed = seed }))
                .Average(text => text.Contains("good", StringComparison.Ordinal) ? 1.0 : 0);
        }
        using LanguageModel start = Tiny.Model();
        using TextGenerationTransformer fitted = Fit(options, RewardFunction.Of(
            (_, text) => text.Contains("good", StringComparison.Ordinal) ? 1 : 0));
        Close.Above(Share(start) + 0.3, Share(fitted.Model), "answers with the word");
    }

    [TestMethod]
    public void Waiting_for_answers_ends_when_training_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        GrpoOptions options = Quick with
        {
            RolloutFunc = async (request, cancel) =>
            {
                if (request.Step == 2)
                {
                    await source.CancelAsync();
                    await Task.Delay(Timeout.Infinite, CancellationToken.None);
                }
                return Draws(request);
            },
        };
        var stage = _ml.Trl().Grpo(Tiny.Source(), [Length], options, cancel: source.Token);
        var stopped = Assert.ThrowsExactly<TrainingCanceledException>(() => stage.Fit(Rows()));
        Assert.AreEqual(1, stopped.Step);
        ((IDisposable)stopped.Model!).Dispose();
    }

    [TestMethod]
    public void What_a_function_does_wrong_is_told()
    {
        void Wrong(string expected, Func<RolloutRequest, IReadOnlyList<RolloutAnswer>> answer)
        {
            GrpoOptions options = Quick with { RolloutFunc = (request, _) => Task.FromResult(answer(request)) };
            Assert.Contains(expected, Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options).Dispose()).Message);
        }
        static IReadOnlyList<RolloutAnswer> Four(RolloutAnswer answer) => [.. Enumerable.Repeat(answer, 4)];
        Wrong("RolloutFunc gave 1 answers for 4 prompts; give one for each", _ => [new RolloutAnswer([1])]);
        Wrong("RolloutFunc gave null for 4 prompts", _ => null!);
        Wrong("RolloutFunc threw IOException: no line", _ => throw new IOException("no line"));
        Wrong("RolloutFunc gave what cannot be learnt from: ", _ => Four(null!));
        Wrong("The completion of row 0 is empty", _ => Four(new RolloutAnswer([])));
        Wrong("The completion of row 0 has token id 9999", _ => Four(new RolloutAnswer([9999])));
        Wrong("Row 0 is", _ => Four(new RolloutAnswer([.. Enumerable.Repeat(1, 500)])));
        Wrong("The prompt of row 0 is empty", _ => Four(new RolloutAnswer([1]) { PromptIds = [] }));
        Wrong("The response mask of row 0 has 1 entries", _ => Four(new RolloutAnswer([1, 2]) { EnvMask = [true] }));
        Wrong("The response mask of row 0 leaves out every token", _ => Four(new RolloutAnswer([1, 2]) { EnvMask = [false, false] }));
        Wrong("There are 1 places for 2 texts", request => Asked(request, [[1], [1]], [0]));
        Wrong("There is no answer 4; places lie between 0 and 3", request => Asked(request, [[1]], [4]));
        Wrong("The prompt of row 0 is empty", request => Asked(request, [[]], [0]));
        Wrong("maxNewTokens (0) must be", request => Asked(request, [[1]], [0], 0));
    }

    [TestMethod]
    public void The_policy_writes_only_while_the_function_runs()
    {
        RolloutRequest? kept = null;
        using TextGenerationTransformer fitted = Fit(Quick with
        {
            MaxSteps = 1, RolloutFunc = (request, _) =>
            {
                kept = request;
                return Task.FromResult(Draws(request));
            },
        });
        string message = Assert.ThrowsExactly<InvalidOperationException>(() => kept!.Generate([[1]], [0])).Message;
        Assert.Contains("The policy was asked after RolloutFunc had returned", message);
    }

    private static IReadOnlyList<RolloutAnswer> Asked(RolloutRequest request, int[][] texts, int[] places, int? most = null)
    {
        request.Generate(texts, places, most);
        return [];
    }

    private static RewardFunction Length { get; } = RewardFunction.Of((_, answer) => answer.Length);

    private TextGenerationTransformer Fit(GrpoOptions options, RewardFunction? reward = null) =>
        _ml.Trl().Grpo(Tiny.Source(), [reward ?? Length], options).Fit(Rows());

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs.Select(row => new Asks { Prompt = row.Prompt }));

    private sealed class Asks
    {
        public string Prompt { get; set; } = "";
    }
}
