using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>What the processors forbid never comes, whatever the prompt; they act in the order of transformers.</summary>
[TestClass]
public sealed class ProcessorTests
{
    private static readonly int[][] Prompts = [[5, 9, 3], [7], [1, 2, 8, 4, 1, 6, 3, 9], [1, 1]];

    private static readonly GenerationOptions Draws = new() { MaxNewTokens = 20, EosTokenIds = [], Temperature = 2 };

    [TestMethod]
    public void No_run_of_tokens_comes_twice()
    {
        foreach ((int[] prompt, int[] tokens) in Generate(Draws with { NoRepeatNgramSize = 2, MaxNewTokens = 30 }))
        {
            (int, int)[] pairs = [.. prompt.Concat(tokens).Zip(prompt.Concat(tokens).Skip(1))];
            CollectionAssert.AllItemsAreUnique(pairs);
        }
    }

    [TestMethod]
    public void Bad_words_are_not_completed_and_an_end_token_alone_is_none()
    {
        GenerationOptions options =
            Draws with { BadWordsIds = [[3], [1, 5], [7, 8], [7, 4, 5], [0]], EosTokenIds = [0], MaxNewTokens = 32 };
        (int[] Prompt, int[] Tokens)[] all = [.. Generate(options)];
        foreach ((int[] prompt, int[] tokens) in all)
        {
            Assert.DoesNotContain(3, tokens);
            string text = string.Join(' ', prompt.Concat(tokens));
            Assert.IsFalse(new[] { "1 5", "7 8", "7 4 5" }.Any(word => text.Contains(word, StringComparison.Ordinal)), text);
        }
        Assert.IsTrue(all.Any(row => row.Tokens[^1] == 0));
    }

    [TestMethod]
    public void Suppressed_tokens_do_not_come_or_do_not_come_first()
    {
        GenerationOptions options = Draws with { SuppressTokens = [1, 2], BeginSuppressTokens = [3, 4, 5, 6, 7, 8] };
        (int[] Prompt, int[] Tokens)[] all = [.. Generate(options)];
        foreach ((_, int[] tokens) in all)
        {
            Assert.IsTrue(tokens[0] is 0 or 9, "first token");
            Assert.IsFalse(tokens.Contains(1) || tokens.Contains(2));
        }
        Assert.IsTrue(all.SelectMany(row => row.Tokens).Intersect([3, 4, 5, 6, 7, 8]).Any());
    }

    [TestMethod]
    public void Forced_tokens_come_in_their_places()
    {
        GenerationOptions options =
            Draws with { ForcedBosTokenId = 8, ForcedEosTokenId = 0, BeginSuppressTokens = [1, 2, 3, 4, 5, 6, 7, 8, 9] };
        foreach ((int[] prompt, int[] tokens) in Generate(options))
        {
            Assert.AreEqual(prompt.Length == 1 ? 8 : 0, tokens[0], "the first token, forced or the only one left");
            Assert.IsTrue(prompt.Length > 1 || tokens[1] == 0, "behind a forced one stands the first that is chosen");
            Assert.AreEqual(0, tokens[19], "the last token");
        }
    }

    [TestMethod]
    [DataRow(0.3, 0.0, 0.0)]
    [DataRow(1.0, 0.08, 0.0)]
    [DataRow(1.0, 0.0, 0.3)]
    public void Drawn_tokens_are_those_that_a_filter_leaves(double typical, double epsilon, double eta)
    {
        using var scope = NewDisposeScope();
        const int Rows = 3000;
        float[] logits = [0, 1, 2, 3, -1, float.NegativeInfinity, 2.5f, 0.5f];
        double sum = logits.Sum(logit => Math.Exp(logit));
        double[] shares = [.. logits.Select(logit => Math.Exp(logit) / sum)];
        double entropy = -shares.Where(share => share > 0).Sum(share => share * Math.Log(share));
        double least = epsilon > 0 ? epsilon : Math.Min(eta, Math.Sqrt(eta) * Math.Exp(-entropy));
        int[] byDistance = [.. Enumerable.Range(0, 8).OrderBy(token => Math.Abs(-Math.Log(shares[token]) - entropy))];
        int needed = 1;
        while (byDistance.Take(needed).Sum(token => shares[token]) < typical)
            needed++;
        int[] expected = typical < 1
            ? [.. byDistance.Take(needed).Order()]
            : [.. Enumerable.Range(0, 8).Where(token => shares[token] >= least || token == 3)];
        GenerationOptions options = new() { TypicalP = typical, EpsilonCutoff = epsilon, EtaCutoff = eta };
        Tensor uniforms = tensor([.. Enumerable.Range(0, Rows).Select(row => new RowRandom(3, row).Uniform(0))]);
        TokenChoice choice = new TokenSampler(options, new LogitsProcessors(options, [], CPU))
            .Choose(tensor(logits).unsqueeze(0).expand(Rows, 8), null, 0, uniforms);
        int[] drawn = [.. choice.Tokens.data<long>().ToArray().Select(token => (int)token).Distinct().Order()];
        CollectionAssert.AreEqual(expected, drawn);
        double left = expected.Sum(token => shares[token]);
        float[] logProbs = choice.SampledLogProbs!.data<float>().ToArray();
        long[] tokens = choice.Tokens.data<long>().ToArray();
        float[] whole = [.. tokens.Select(token => (float)Math.Log(shares[token] / left))];
        Close.Absolute(whole, logProbs, 1e-5, "log-probabilities of what a filter leaves");
    }

    [TestMethod]
    public void Options_that_change_nothing_are_named()
    {
        GenerationOptions options =
            new() { DoSample = false, EtaCutoff = 0.1, Seed = 3, LengthPenalty = 2, EarlyStopping = EarlyStopping.True };
        string[] unused = [.. options.WithoutEffect()];
        Assert.HasCount(4, unused);
        StringAssert.Contains(unused[0], "EtaCutoff of Generation with DoSample false");
        StringAssert.Contains(unused[1], "Seed of Generation with DoSample false");
        StringAssert.Contains(unused[2], "LengthPenalty of Generation without NumBeams");
        StringAssert.Contains(unused[3], "EarlyStopping of Generation without NumBeams");
        Assert.IsEmpty((options with { DoSample = true, NumBeams = 2 }).WithoutEffect());
    }

    private static IEnumerable<(int[] Prompt, int[] Tokens)> Generate(GenerationOptions options)
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(10, 32, 2, 4, 48) with { InitializerRange = 0.3 }, 5);
        GenerationResult result = new TokenGenerator(model).Generate(Prompts, options with { NumReturnSequences = 5 });
        Leaks.None(() => new TokenGenerator(model).Generate(Prompts, options));
        return result.Tokens.Select((tokens, row) => (Prompts[row / 5], tokens));
    }
}
