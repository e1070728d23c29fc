
namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Rule 1: masks come from lengths, never from an id that happens to equal the padding; the end of a text is learned.</summary>
[TestClass]
public sealed class MaskRuleTests
{
    private const int End = 0; // also the id that rows are padded with

    [TestMethod]
    public void Masks_come_from_lengths_and_not_from_the_padding_id()
    {
        using TokenBatch batch = TokenBatch.Create([[3, End, 4, End], [5, 6]], [1, 1]);
        CollectionAssert.AreEqual(new[] { 4, 2 }, batch.Lengths.ToArray());
        CollectionAssert.AreEqual(new long[] { End, 4, End, 6 }, batch.Labels.data<long>().ToArray());
        CollectionAssert.AreEqual(new long[] { 0, 1, 2, 4 }, batch.TargetRows.data<long>().ToArray());
    }

    [TestMethod]
    public void The_end_of_a_text_is_learned_even_where_it_is_the_padding_id()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(
            ModelConfig.Gpt2(20, 16, 2, 2, 32, dropout: 0), seed: 1);
        TokenExample[] texts = [new([7, 8, 9, End], 1), new([7, 8, 9, End], 1), new([11, 12, End], 1), new([11, 12, End], 1)];
        var options = new SftOptions
        {
            MaxSteps = 80,
            LearningRate = 1e-2,
            PerDeviceTrainBatchSize = 4,
            LrSchedulerType = LrSchedulerType.Constant,
        };
        new SftLoop(model, options).Run(texts);
        var greedy = new GenerationOptions { DoSample = false, MaxNewTokens = 10, EosTokenIds = [End] };
        GenerationResult result = new TokenGenerator(model).Generate([[7], [11]], greedy);
        CollectionAssert.AreEqual(new[] { 8, 9, End }, result.Tokens[0]);
        CollectionAssert.AreEqual(new[] { 12, End }, result.Tokens[1]);
    }
}
