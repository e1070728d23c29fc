using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.TestSupport.Tiny;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>Rows that are too long, empty or equal do not end a run: they are cut or left out as TRL does it, and counted.</summary>
[TestClass]
public sealed class OddRowsTests
{
    private static readonly string Long = string.Concat(Enumerable.Repeat(" good", 40)); // 40 tokens, the context has 32
    private static readonly PpoOptions TwoRows = new() { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Greedy };

    private readonly MLContext _ml = new(1);
    private readonly List<string> _log = [];

    public OddRowsTests() => _ml.Log += (_, message) => _log.Add(message.Message);

    [TestMethod]
    public void Sft_cuts_long_rows_and_leaves_out_those_without_anything_to_learn()
    {
        PairRow[] rows = [Pairs[0], With(prompt: Long), With(prompt: "a", completion: Long), Pairs[1]];
        using TextGenerationTransformer sft = _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 2, LoggingSteps = 1 }).Fit(Rows(rows));
        Warned("Of 4 rows 1 left out: no token to learn within MaxLength (row 1), 2 lost their end to MaxLength (first row 1).");
        Assert.AreEqual(4, sft.Reports[0].Metrics["data/rows"]);
        Assert.AreEqual(1, sft.Reports[0].Metrics["data/nothing_to_learn"]);
        Assert.AreEqual(2, sft.Reports[0].Metrics["data/cut"]);
        Assert.IsFalse(sft.Reports[1].Metrics.ContainsKey("data/rows"));
        Assert.AreEqual(2.0, sft.History["data/cut"][0]);
    }

    [TestMethod]
    public void Sft_trains_as_if_left_out_rows_had_never_been_there()
    {
        var options = new SftOptions { MaxSteps = 3, TrainSamplingStrategy = TrainSamplingStrategy.Sequential };
        using TextGenerationTransformer with = _ml.Trl().Sft(Source(), options).Fit(Rows([Pairs[0], With(prompt: Long), Pairs[1]]));
        using TextGenerationTransformer without = _ml.Trl().Sft(Source(), options).Fit(Rows([Pairs[0], Pairs[1]]));
        Assert.AreEqual(without.Reports[^1].Metrics["loss"], with.Reports[^1].Metrics["loss"]);
        Assert.IsFalse(without.Reports.Any(report => report.Metrics.Keys.Any(key => key.StartsWith("data/", StringComparison.Ordinal))));
    }

    [TestMethod]
    public void Dpo_cuts_long_answers_and_leaves_out_pairs_that_say_nothing()
    {
        PairRow[] rows =
        [
            Pairs[0],
            With(prompt: Long),
            With(rejected: Pairs[0].Chosen),
            With(chosen: Long + " warm", rejected: Long + " cold"), // equal after the cut
            With(chosen: Long),
        ];
        using TextGenerationTransformer dpo = _ml.Trl().Dpo(Source(), new DpoOptions { MaxSteps = 1 }).Fit(Rows(rows));
        Warned(
            "Of 5 rows 1 left out: the prompt alone fills MaxLength (row 1), 2 left out: chosen and rejected are equal (first row 2), "
            + "2 lost their end to MaxLength (first row 3).");
        Assert.AreEqual(2, dpo.Reports[0].Metrics["data/equal_sides"]);
    }

    [TestMethod]
    public void A_reward_model_leaves_out_pairs_with_a_long_side()
    {
        PairRow[] rows = [Pairs[0], With(chosen: Long), With(rejected: Pairs[0].Chosen)];
        using RewardTransformer reward = _ml.Trl().RewardModel(Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows(rows));
        Warned(
            "Of 3 rows 1 left out: a side is longer than MaxLength (row 1), 1 left out: chosen and rejected are equal (row 2).");
        Assert.AreEqual(1, reward.Reports[0].Metrics["data/pair_too_long"]);
    }

    [TestMethod]
    public void Ppo_leaves_out_prompts_that_cannot_be_answered()
    {
        PairRow[] rows = [Pairs[0], With(prompt: Long), With(prompt: ""), Pairs[1]];
        using TextGenerationTransformer ppo = _ml.Trl().Ppo(Source(), RewardFunction.Of((_, _) => 1), TwoRows).Fit(Rows(rows));
        Warned("Of 4 rows 2 left out: the prompt has no token, or leaves no room for an answer in the model's context (first row 1).");
        Assert.AreEqual(2, ppo.Reports[0].Metrics["data/no_answer_possible"]);
    }

    [TestMethod]
    public void A_blank_prompt_and_an_empty_one_are_learnt_from()
    {
        PairRow[] rows = [With(prompt: "   "), With(prompt: ""), Pairs[1]];
        _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 1 }).Fit(Rows(rows)).Dispose();
        _ml.Trl().Dpo(Source(), new DpoOptions { MaxSteps = 1 }).Fit(Rows(rows)).Dispose();
        _ml.Trl().RewardModel(Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows(rows)).Dispose();
        PairRow[] blank = [With(prompt: "   "), With(prompt: " ")];
        _ml.Trl().Ppo(Source(), RewardFunction.Of((_, _) => 1), TwoRows).Fit(Rows(blank)).Dispose();
        Assert.IsFalse(_log.Any(line => line.Contains("left out", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void Data_without_a_usable_row_say_why()
    {
        IDataView rows = Rows([With(prompt: Long), With(prompt: Long)]);
        const string Start = "None of the 2 rows can be learnt from: 2 left out: ";
        Refused(Start + "no token to learn within MaxLength (first row 0)", () => _ml.Trl().Sft(Source()).Fit(rows));
        Refused(Start + "the prompt alone fills MaxLength (first row 0)", () => _ml.Trl().Dpo(Source()).Fit(rows));
        Refused(Start + "a side is longer than MaxLength (first row 0)", () => _ml.Trl().RewardModel(Source()).Fit(rows));
        Refused(Start + "the prompt has no token, or", () => _ml.Trl().Ppo(Source(), RewardFunction.Of((_, _) => 1)).Fit(rows));
    }

    [TestMethod]
    public void Texts_beside_prompts_without_completions_are_refused_by_name()
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(new[] { new { Text = "the film was good", Prompt = "the film" } });
        const string Message = "The data have the columns 'Text' (TextColumnName) and 'Prompt' (PromptColumnName), but no 'Completion'";
        Refused(Message, () => _ml.Trl().Sft(Source()).Fit(rows));
        Refused(Message, () => _ml.Trl().Sft(Source()).Append(_ml.Trl().Dpo()).Fit(rows));
    }

    [TestMethod]
    public void Tokens_that_span_prompt_and_completion_are_counted()
    {
        PairRow[] rows = [With(prompt: "the fi", completion: "lm was good"), Pairs[1]];
        using TextGenerationTransformer sft = _ml.Trl().Sft(Source(), new SftOptions { MaxSteps = 1 }).Fit(Rows(rows));
        Warned("Of 2 rows 1 have other tokens where prompt and completion meet than the prompt alone has (row 0).");
        Assert.AreEqual(1, sft.Reports[0].Metrics["data/tokenized_otherwise"]);
    }

    private static void Refused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(action).Message);

    private void Warned(string text) => Assert.HasCount(
        1, _log.Where(line => line.Contains("Kind=Warning", StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal)),
        string.Join('\n', _log));

    private static PairRow With(string? prompt = null, string? completion = null, string? chosen = null, string? rejected = null) => new()
    {
        Prompt = prompt ?? Pairs[0].Prompt,
        Completion = completion ?? Pairs[0].Completion,
        Chosen = chosen ?? Pairs[0].Chosen,
        Rejected = rejected ?? Pairs[0].Rejected,
    };

    private IDataView Rows(PairRow[] rows) => _ml.Data.LoadFromEnumerable(rows);
}
