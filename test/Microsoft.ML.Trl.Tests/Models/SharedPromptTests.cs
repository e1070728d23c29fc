using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>A prompt that several rows begin with is read once, and what the rows say stays the same.</summary>
[TestClass]
public sealed class SharedPromptTests
{
    private static readonly int[] First = [.. Enumerable.Range(3, 18)], Second = [.. Enumerable.Range(40, 20)];

    /// <summary>Two prompts in mixed order, answers of one token and of many, a text alone, one that is nothing but a prompt.</summary>
    private static readonly TokenExample[] Texts =
    [
        Answer(First, 9, 8, 7, 6), Answer(Second, 90, 91), new([8, 9, 10, 11, 12], 2), Answer(First, 5), Answer(First, 4, 3, 2, 1, 2, 3, 4),
        Answer(Second, 92, 93, 94), new(First, First.Length) { Learned = [.. First.Select((_, place) => place % 3 == 1)] },
        Answer(Second, 95, 96, 97), Answer(Second, 98, 99, 100),
    ];

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void States_and_gradients_are_those_of_whole_rows(string name) => Leaks.None(() =>
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        ModelReading whole = Read(model, false, batch => model.Body.HiddenAt(batch.Ids, batch.TargetRows));
        foreach (bool paddingFree in new[] { false, true })
            whole.RequireSame(Read(model, paddingFree, model.HiddenAt), $"{name}, padding-free: {paddingFree}");
    });

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("mistral")]
    [DataRow("mixtral")]
    [DataRow("bloom")]
    public void Blocks_that_are_computed_again_see_the_same(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        ModelReading once = Read(model, false, model.HiddenAt);
        model.SetBlockTraining(new BlockTraining { Recomputes = true });
        ModelReading again = Read(model, false, model.HiddenAt);
        Close.Absolute(once.States, again.States, 0, name);
        once.RequireSame(again, name);
    }

    [TestMethod]
    public void Every_prompt_is_read_once_and_the_last_token_of_a_row_never()
    {
        using var batch = TokenBatch.Of(Texts); // 25 columns, of which 24 are read
        TextParts parts = batch.Parts!;
        int alone = 2 * 24; // the third row, and the one that is nothing but the prompt
        Assert.AreEqual(First.Length + (3 * (24 - First.Length)) + Second.Length + (4 * (24 - Second.Length)) + alone, parts.Tokens);
        Assert.AreEqual(24, parts.Parts.Single(part => part.Row == 2).Length);
        long[] read = parts.Read(25), places = parts.Places(9, 25);
        CollectionAssert.AreEqual(First.Select((_, place) => (long)place).ToArray(), read[..First.Length], "the first row's prompt first");
        for (int row = 0; row < Texts.Length; row++)
            for (int place = 0; place < Texts[row].Ids.Length - 1; place++)
            {
                long at = read[places[(row * 25) + place]];
                Assert.AreEqual(Texts[row].Ids[place], batch.Ids[at / 25, at % 25].item<long>(), $"row {row}, token {place}");
            }
    }

    [TestMethod]
    public void Short_prompts_and_single_rows_are_read_as_they_lie()
    {
        static TextParts? Parts(params TokenExample[] texts)
        {
            using var batch = TokenBatch.Of(texts);
            return batch.Parts;
        }
        Assert.IsNull(Parts(Answer(First[..15], 1, 2), Answer(First[..15], 3)));
        Assert.IsNotNull(Parts(Answer(First[..16], 1, 2), Answer(First[..16], 3)));
        Assert.IsNull(Parts(Answer(First, 1, 2), Answer(Second, 3)));
        Assert.IsNull(Parts(new TokenExample([.. First, 1]), new TokenExample([.. First, 2])), "no prompts");
    }

    [TestMethod]
    public void A_balancing_loss_counts_the_prompt_of_every_row()
    {
        using CausalLanguageModel shared = MadeModels.Load("mixtral"), apart = MadeModels.Load("mixtral");
        var options = new SftOptions { MaxSteps = 1, LoggingSteps = 1, PerDeviceTrainBatchSize = 9, RouterAuxLossCoef = 0.1 };
        bool[] Learned(TokenExample text) => [.. text.Ids.Select((_, place) => text.Learns(place))];
        TokenExample[] withoutPrompts = [.. Texts.Select(text => new TokenExample(text.Ids) { Learned = Learned(text) })];
        StepReport one = Loops.Sft(shared, options, Texts)[0], other = Loops.Sft(apart, options, withoutPrompts)[0];
        Close.Relative(other["aux_loss"], one["aux_loss"], 1e-6);
        Close.Relative(other["loss"], one["loss"], 1e-6);
    }

    private static TokenExample Answer(int[] prompt, params int[] tokens) => new([.. prompt, .. tokens], prompt.Length);

    private static ModelReading Read(CausalLanguageModel model, bool paddingFree, Func<TokenBatch, Tensor> read) =>
        ModelReading.Of(model, Texts, paddingFree, read);
}
