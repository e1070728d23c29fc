using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

[TestClass]
public sealed class RespondToBatchTests
{
    [TestMethod]
    public void Every_response_has_the_length_asked_for_and_no_end_token_ends_it() => Leaks.None(() =>
    {
        ModelConfig config = ModelConfig.Gpt2(4, 16, 2, 2, 32) with { EosTokenIds = [0, 1] }; // half of all tokens would end a row
        using CausalLanguageModel model = CausalLanguageModel.Create(config, 1);
        IReadOnlyList<int[]> responses = model.RespondToBatch([[1, 2], [3], [2, 2, 2]]);
        Assert.IsTrue(responses.All(response => response.Length == 20));
        Assert.IsTrue(responses.All(response => response.Contains(0) || response.Contains(1)));
        Assert.IsTrue(model.RespondToBatch([[1, 2]], txtLen: 3).All(response => response.Length == 3));
    });

    [TestMethod]
    public void First_tokens_come_as_often_as_the_model_says()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(6, 16, 1, 2, 32), 5);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        model.HeadWeight.mul_(30); // far from uniform
        float[] expected = model.Logits(model.Hidden(tensor(new long[] { 1, 2 }).view(1, 2)))[0, 1].softmax(-1).data<float>().ToArray();
        Close.Above(0.3, expected.Max() - expected.Min());
        const int Draws = 8000;
        int[] counts = new int[6];
        foreach (int[] response in model.RespondToBatch([.. Enumerable.Repeat((int[])[1, 2], Draws)], txtLen: 1))
            counts[response[0]]++;
        for (int token = 0; token < 6; token++) // 4.5 standard deviations
            Close.Absolute(
                expected[token], counts[token] / (double)Draws, 4.5 * Math.Sqrt(expected[token] * (1 - expected[token]) / Draws));
    }

    [TestMethod]
    public void Top_k_and_top_p_leave_the_likeliest_and_the_seed_decides()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        int[][] queries = Toys.Rows(3, 6, 2, 9);
        int[] Joined(int topK = 0, double topP = 1, int seed = 0) =>
            [.. model.RespondToBatch(queries, 8, topK, topP, seed).SelectMany(row => row)];
        int[] greedy =
        [
            .. new TokenGenerator(model).Generate(queries, new GenerationOptions { DoSample = false, MaxNewTokens = 8 })
                .Tokens.SelectMany(row => row),
        ];
        CollectionAssert.AreEqual(greedy, Joined(topK: 1));
        CollectionAssert.AreEqual(greedy, Joined(topP: 1e-6));
        CollectionAssert.AreNotEqual(greedy, Joined());
        CollectionAssert.AreEqual(Joined(seed: 4), Joined(seed: 4));
        CollectionAssert.AreNotEqual(Joined(seed: 4), Joined(seed: 5));
    }

    [TestMethod]
    public void What_cannot_be_answered_is_named()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.RespondToBatch([[1], [.. Enumerable.Repeat(1, 13)]])).Message,
            "Query 1 has 13 tokens, and txtLen (20) more do not fit into the model's context of 32; "
            + "shorten the query to 12 tokens or less");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => model.RespondToBatch([[1]], txtLen: 0)).Message,
            "txtLen (0) must be 1 or greater");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.RespondToBatch([[1]], topP: 0)).Message,
            "TopP (0) must be greater than 0 and at most 1");
    }
}
