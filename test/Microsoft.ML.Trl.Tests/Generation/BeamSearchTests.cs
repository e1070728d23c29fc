using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

[TestClass]
public sealed class BeamSearchTests
{
    private const int Vocabulary = 6;

    private static readonly int[][] Prompts = [[5, 1, 3], [2], [1, 2, 4, 4, 1, 0, 3, 1], [1, 1]];

    private static readonly GenerationOptions Search = new() { DoSample = false, NumBeams = 4, MaxNewTokens = 9, EosTokenIds = [0] };

    [TestMethod]
    public void Enough_beams_find_the_best_of_all_texts()
    {
        using CausalLanguageModel model = Create("gpt2");
        const int Length = 3, All = Vocabulary * Vocabulary * Vocabulary;
        GenerationOptions options =
            Search with { NumBeams = Vocabulary * Vocabulary, MaxNewTokens = Length, EosTokenIds = [], LengthPenalty = 0 };
        GenerationResult result = new TokenGenerator(model).Generate([Prompts[0]], options);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        (double Score, int[] Tokens) best = (double.NegativeInfinity, []);
        for (int number = 0; number < All; number++)
        {
            int[] text = [number / 36, number / 6 % 6, number % 6];
            long[] all = [.. Prompts[0].Concat(text).Select(id => (long)id)];
            Tensor logProbs = model.Logits(model.Hidden(tensor(all).view(1, -1))).log_softmax(-1);
            double score = text.Select((token, i) => logProbs[0, Prompts[0].Length + i - 1, token].item<float>()).Sum();
            if (score > best.Score)
                best = (score, text);
        }
        CollectionAssert.AreEqual(best.Tokens, result.Tokens[0]);
        Close.Absolute(best.Score, result.Scores![0], 1e-4, "score of the best text");
        Close.Absolute(best.Score, result.LogProbs[0].Sum(), 1e-4, "sum of its log-probabilities");
    }

    [TestMethod]
    [DataRow("gpt2", false)]
    [DataRow("llama", false)]
    [DataRow("windowed", false)]
    [DataRow("gpt2", true)]
    public void A_prompt_does_not_depend_on_the_prompts_beside_it(string family, bool draws)
    {
        using CausalLanguageModel model = Create(family);
        GenerationOptions options = Search with { NumReturnSequences = 3, DoSample = draws, RepetitionPenalty = 1.1, TopK = draws ? 4 : 0 };
        TokenGenerator generator = new(model);
        GenerationResult together = generator.Generate(Prompts, options);
        Assert.HasCount(12, together.Tokens);
        Assert.IsGreaterThan(1, together.Tokens.Select(tokens => tokens.Length).Distinct().Count(), "texts of different lengths");
        for (int prompt = 0; prompt < Prompts.Length; prompt++)
        {
            GenerationResult alone = generator.Generate([Prompts[prompt]], options, [prompt]);
            for (int i = 0; i < 3; i++)
            {
                CollectionAssert.AreEqual(alone.Tokens[i], together.Tokens[(prompt * 3) + i]);
                Close.Absolute(alone.LogProbs[i], together.LogProbs[(prompt * 3) + i], 1e-4);
                Close.Absolute(alone.Scores![i], together.Scores![(prompt * 3) + i], 1e-4);
            }
            Assert.IsGreaterThanOrEqualTo(alone.Scores![1], alone.Scores[0], "the best one comes first");
        }
    }

    [TestMethod]
    public void Log_probabilities_of_beams_equal_those_of_one_whole_forward()
    {
        using CausalLanguageModel model = Create("llama");
        GenerationResult result = new TokenGenerator(model).Generate(Prompts, Search);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (int row = 0; row < Prompts.Length; row++)
        {
            long[] all = [.. Prompts[row].Concat(result.Tokens[row]).Select(id => (long)id)];
            Tensor logProbs = model.Logits(model.Hidden(tensor(all).view(1, -1))).log_softmax(-1);
            float[] whole = [.. result.Tokens[row].Select((token, i) => logProbs[0, Prompts[row].Length + i - 1, token].item<float>())];
            Close.Absolute(whole, result.LogProbs[row], 1e-4, $"row {row}");
            Close.Absolute(whole.Average(), result.Scores![row], 1e-4, $"score of row {row}");
        }
    }

    [TestMethod]
    public void Drawn_beams_differ_with_the_seed_and_nothing_else()
    {
        using CausalLanguageModel model = Create("gpt2");
        TokenGenerator generator = new(model);
        GenerationOptions options = Search with { DoSample = true, NumReturnSequences = 4, EosTokenIds = [] };
        GenerationResult one = generator.Generate(Prompts, options), same = generator.Generate(Prompts, options);
        GenerationResult other = generator.Generate(Prompts, options with { Seed = 1 });
        for (int row = 0; row < one.Tokens.Count; row++)
            CollectionAssert.AreEqual(one.Tokens[row], same.Tokens[row]);
        Assert.IsTrue(one.Tokens.Zip(other.Tokens).Any(pair => !pair.First.SequenceEqual(pair.Second)));
        foreach (int[][] texts in one.Tokens.Chunk(4))
            Assert.HasCount(4, texts.Select(tokens => string.Join(' ', tokens)).Distinct().ToArray(), "drawn without replacement");
    }

    [TestMethod]
    public void Beams_are_drawn_without_replacement_as_often_as_their_probabilities_say()
    {
        using CausalLanguageModel model = Create("gpt2");
        const int Draws = 3000;
        GenerationOptions options = new() { NumBeams = 2, NumReturnSequences = 2, MaxNewTokens = 1, EosTokenIds = [] };
        GenerationResult result = new TokenGenerator(model).Generate(
            [.. Enumerable.Repeat(Prompts[0], Draws)], options, [.. Enumerable.Range(0, Draws)]);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = tensor([.. Prompts[0].Select(id => (long)id)]).view(1, -1);
        double[] shares = [.. model.Logits(model.Hidden(ids))[0, -1].softmax(-1).data<float>().ToArray().Select(share => (double)share)];
        double Second(int i) => shares.Where((_, other) => other != i).Sum(other => other * shares[i] / (1 - other));
        double[] expected = [.. shares.Select((share, i) => share + Second(i))];
        double[] drawn = [.. Enumerable.Range(0, Vocabulary).Select(token => result.Tokens.Count(row => row[0] == token) / (double)Draws)];
        Close.Absolute(expected, drawn, 0.05, "shares of pairs of draws that hold a token"); // five standard deviations are 0.046
    }

    [TestMethod]
    public void Several_sequences_of_a_prompt_are_draws_of_their_own()
    {
        using CausalLanguageModel model = Create("gpt2");
        TokenGenerator generator = new(model);
        GenerationOptions options = new() { MaxNewTokens = 12, NumReturnSequences = 3, EosTokenIds = [] };
        GenerationResult several = generator.Generate(Prompts, options);
        GenerationResult single = generator.Generate(Prompts, options with { NumReturnSequences = 1 });
        Assert.HasCount(12, several.Tokens);
        for (int prompt = 0; prompt < Prompts.Length; prompt++)
        {
            CollectionAssert.AreEqual(single.Tokens[prompt], several.Tokens[prompt * 3], "the first is what one draw gives");
            Assert.HasCount(3, several.Tokens.Skip(prompt * 3).Take(3).Select(tokens => string.Join(' ', tokens)).Distinct().ToArray());
        }
    }

    [TestMethod]
    public void Stop_rules_end_a_beam()
    {
        using CausalLanguageModel model = Create("gpt2");
        GenerationOptions options = Search with { EosTokenIds = [] };
        GenerationResult result = new TokenGenerator(model).Generate(Prompts, options, stop: tokens => tokens.Count == 2);
        Assert.IsTrue(result.Tokens.All(tokens => tokens.Length == 2));
        Assert.IsTrue(result.Finished.All(finished => finished));
    }

    [TestMethod]
    public void Options_that_forbid_all_tokens_are_named()
    {
        using CausalLanguageModel model = Create("gpt2");
        int[] all = [.. Enumerable.Range(0, Vocabulary)];
        foreach (GenerationOptions options in new[] { Search, Search with { NumBeams = 1 }, Search with { NumBeams = 1, DoSample = true } })
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidOperationException>(
                    () => new TokenGenerator(model).Generate(Prompts, options with { SuppressTokens = all })).Message,
                "forbid every token");
    }

    [TestMethod]
    public void Beams_can_be_canceled_and_leave_no_tensor_behind()
    {
        using CausalLanguageModel model = Create("llama");
        Leaks.None(() => new TokenGenerator(model).Generate(Prompts, Search with { RepetitionPenalty = 1.2, BeginSuppressTokens = [1] }));
        Leaks.None(() => Assert.ThrowsExactly<OperationCanceledException>(
            () => new TokenGenerator(model).Generate(Prompts, Search, cancel: new CancellationToken(true))));
        int steps = 0;
        using CancellationTokenSource source = new();
        Leaks.None(() => Assert.ThrowsExactly<OperationCanceledException>(() => new TokenGenerator(model).Generate(
            Prompts, Search, stop: _ => { if (++steps > 20) source.Cancel(); return false; }, cancel: source.Token)));
    }

    private static CausalLanguageModel Create(string family)
    {
        ModelConfig config = family == "gpt2" ? ModelConfig.Gpt2(Vocabulary, 32, 2, 4, 40)
            : ModelConfig.Llama(Vocabulary, 32, 2, 4, 40, keyValueHeads: 2) with { SlidingWindow = family == "windowed" ? 5 : null };
        return CausalLanguageModel.Create(config with { InitializerRange = 0.3 }, 5);
    }
}
