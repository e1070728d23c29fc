using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Raft;

/// <summary>Which completions are learnt, and as what: worked out by hand.</summary>
[TestClass]
public sealed class RaftSelectionTests
{
    private static readonly double?[] Rewards = [0.5, null, 2, 2, -1, 7, null, null, null];

    [TestMethod]
    public void Top_takes_the_best_of_all_whatever_they_answer()
    {
        CollectionAssert.AreEqual(new[] { 5, 2, 3 }, RaftSelection.Top(Rewards, 3));
        CollectionAssert.AreEqual(new[] { 5, 2 }, RaftSelection.Top(Rewards, 2));
        CollectionAssert.AreEqual(new[] { 5, 2, 3, 0, 4 }, RaftSelection.Top(Rewards, 9), "no more than are usable");
    }

    [TestMethod]
    public void Local_takes_the_best_of_each_prompt_and_leaves_out_prompts_without_one()
    {
        CollectionAssert.AreEqual(new[] { 2, 5 }, RaftSelection.Local(Rewards, 3));
        CollectionAssert.AreEqual(new[] { 0 }, RaftSelection.Local([1, 1, 0.5], 3), "of equal ones the first");
    }

    [TestMethod]
    [DataRow(CollectionStrategy.Top, 1024, 0.2, 1, 5120, DisplayName = "LMFlow's defaults")]
    [DataRow(CollectionStrategy.Local, 1024, 0.125, 8, 1024, DisplayName = "LMFlow's script")]
    [DataRow(CollectionStrategy.Local, 3, 0.3, 3, 3, DisplayName = "a third is three samples")]
    [DataRow(CollectionStrategy.Top, 9, 0.1, 1, 90, DisplayName = "whatever the bits of 0.1 are")]
    [DataRow(CollectionStrategy.Top, 7, 1, 1, 7, DisplayName = "all")]
    public void Counts_follow_from_the_share(CollectionStrategy strategy, int size, double share, int samples, int prompts)
    {
        RaftOptions options = new RaftOptions
        {
            CollectionStrategy = strategy, RaftBatchSize = size, TopRewardPercentage = share,
        }.Validated();
        Assert.AreEqual((samples, prompts), (options.SamplesPerPrompt, options.PromptsPerIteration));
    }

    [TestMethod]
    [DataRow("###Human: the film ###Assistant:", " was good ###Human: a", "was good", true)]
    [DataRow("###Human: the film ###Assistant:", "###Human: was good#", ": was good", true, DisplayName = "not empty")]
    [DataRow("###Human: the film ###Assistant:", " was # good", "was # good", false)]
    [DataRow("###Human: the film ###Assistant:", " a ###Human", "a", false, DisplayName = "too short")]
    [DataRow("the film", " was # good ###Human", " was # good ###Human", true, DisplayName = "data of another format")]
    [DataRow("the film", "a", "a", false)]
    public void A_completion_ends_where_the_next_turn_begins(string prompt, string written, string expected, bool isUsable)
    {
        using LanguageModel model = Tiny.Model();
        int[] response = Tiny.Tokenizer.Encode(written);
        RaftSample sample = new CompletionCleaner(model, new RaftOptions()).Clean(Read(model, prompt), response);
        Assert.AreEqual(expected, sample.Completion);
        Assert.AreEqual(isUsable, sample.IsUsable);
        int[] query = model.Codec.Prompt(prompt);
        if (expected == written)
            CollectionAssert.AreEqual(response, sample.Response, "the very tokens that were drawn");
        else
            CollectionAssert.AreEqual(model.Codec.Whole(prompt + expected), sample.Text.Ids, "as SFT reads them, with the end token");
        CollectionAssert.AreEqual(query, sample.Query);
    }

    [TestMethod]
    public void Cleaning_can_be_left_out()
    {
        using LanguageModel model = Tiny.Model();
        var cleaner = new CompletionCleaner(model, new RaftOptions { TurnMarker = null, MinCompletionCharacters = 0 });
        RaftSample sample = cleaner.Clean(Read(model, "###Human: a"), Tiny.Tokenizer.Encode("#"));
        Assert.AreEqual(("#", true), (sample.Completion, sample.IsUsable));
    }

    private static RowPrompt Read(LanguageModel model, string prompt) => model.Codec.Rows(false).Prompt(prompt, TemplateCells.None);
}
