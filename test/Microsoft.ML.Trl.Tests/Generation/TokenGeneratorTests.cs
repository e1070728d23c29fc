using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

[TestClass]
public sealed class TokenGeneratorTests
{
    private static readonly int[][] Prompts = [[5, 9, 3], [7], [11, 2, 8, 4, 1, 6, 3, 9], [1, 1]];

    private static ModelConfig Gpt2 => ModelConfig.Gpt2(50, 32, 2, 4, 40);

    private static ModelConfig Llama => ModelConfig.Llama(50, 32, 2, 4, 40, keyValueHeads: 2);

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("windowed")]
    public void A_row_does_not_depend_on_the_rows_beside_it(string family)
    {
        using CausalLanguageModel model = Create(family);
        TokenGenerator generator = new(model);
        GenerationOptions options = new() { MaxNewTokens = 12, Seed = 7, Temperature = 1.5, TopP = 0.95 };
        GenerationResult together = generator.Generate(Prompts, options, [10, 11, 12, 13]);
        for (int row = 0; row < Prompts.Length; row++)
        {
            GenerationResult alone = generator.Generate([Prompts[row]], options, [10 + row]);
            CollectionAssert.AreEqual(alone.Tokens[0], together.Tokens[row]);
            Close.Absolute(alone.LogProbs[0], together.LogProbs[row], 1e-4, $"{family} row {row}");
        }
        CollectionAssert.AreNotEqual(
            together.Tokens[3], generator.Generate([Prompts[3]], options, [14]).Tokens[0], "another row seed draws other tokens");
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("windowed")]
    public void Cached_log_probabilities_equal_those_of_one_whole_forward(string family)
    {
        using CausalLanguageModel model = Create(family);
        GenerationResult result = new TokenGenerator(model).Generate(Prompts, new GenerationOptions { MaxNewTokens = 20, Seed = 3 });
        for (int row = 0; row < Prompts.Length; row++)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            long[] all = [.. Prompts[row].Concat(result.Tokens[row]).Select(id => (long)id)];
            Tensor logProbs = model.Logits(model.Hidden(tensor(all).view(1, -1))).log_softmax(-1);
            float[] whole = [.. result.Tokens[row].Select((token, i) => logProbs[0, Prompts[row].Length + i - 1, token].item<float>())];
            Close.Absolute(whole, result.LogProbs[row], 1e-4, $"{family} cached against uncached");
        }
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("windowed")]
    public void Rows_that_end_early_change_nothing_for_the_others(string family)
    {
        using CausalLanguageModel model = Create(family);
        TokenGenerator generator = new(model);
        GenerationOptions options = new() { MaxNewTokens = 24, Seed = 1, Temperature = 2, EosTokenIds = [3, 17, 30, 41] };
        GenerationResult together = generator.Generate(Prompts, options);
        int[] lengths = [.. together.Tokens.Select(tokens => tokens.Length)];
        Assert.IsGreaterThan(2, lengths.Distinct().Count(), "rows of different lengths");
        for (int row = 0; row < Prompts.Length; row++)
        {
            GenerationResult alone = generator.Generate([Prompts[row]], options, [row]);
            CollectionAssert.AreEqual(alone.Tokens[0], together.Tokens[row]);
            Close.Absolute(alone.LogProbs[0], together.LogProbs[row], 1e-4);
        }
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    public void States_are_those_that_the_tokens_were_chosen_from(string family)
    {
        using CausalLanguageModel model = Create(family);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        GenerationOptions options = new() { MaxNewTokens = 12, Seed = 1, EosTokenIds = [3, 17, 30, 41] };
        GenerationResult result = new TokenGenerator(model) { KeepsStates = true }.Generate(Prompts, options);
        long start = 0;
        for (int row = 0; row < Prompts.Length; row++)
        {
            long[] all = [.. Prompts[row].Concat(result.Tokens[row]).Select(id => (long)id)];
            int count = result.Tokens[row].Length;
            Tensor whole = model.Hidden(tensor(all).view(1, -1))[0].narrow(0, Prompts[row].Length - 1, count);
            Close.Absolute(whole, result.States!.narrow(0, start, count), 1e-4, $"row {row}");
            start += count;
        }
        Assert.AreEqual(start, result.States!.shape[0]);
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    public void Bfloat16_weights_generate_what_one_whole_forward_says(string family)
    {
        using CausalLanguageModel wide = Create(family);
        using CausalLanguageModel model = wide.Copy(type: ScalarType.BFloat16);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        GenerationOptions options = new() { MaxNewTokens = 8, EosTokenIds = [] };
        GenerationResult result = new TokenGenerator(model) { KeepsStates = true }.Generate(Prompts, options);
        Assert.AreEqual(ScalarType.BFloat16, result.States!.dtype);
        for (int row = 0; row < Prompts.Length; row++)
        {
            long[] all = [.. Prompts[row].Concat(result.Tokens[row]).Select(id => (long)id)];
            Tensor logProbs = wide.Logits(wide.Hidden(tensor(all).view(1, -1))).log_softmax(-1); // in float32
            float[] whole = [.. result.Tokens[row].Select((token, i) => logProbs[0, Prompts[row].Length + i - 1, token].item<float>())];
            Close.Absolute(whole, result.LogProbs[row], 0.25, $"{family} row {row}");
        }
    }

    [TestMethod]
    public void Logits_that_are_no_numbers_end_the_generation()
    {
        using CausalLanguageModel model = Create("gpt2");
        using (no_grad())
            model.Weights().Single(weight => weight.Name == "transformer.ln_f.bias").Value.fill_(float.NaN);
        foreach (GenerationOptions options in new GenerationOptions[] { new() { DoSample = false }, new() })
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidOperationException>(() => new TokenGenerator(model).Generate([[5]], options)).Message,
                "not finite numbers");
    }

    [TestMethod]
    public void Without_filters_both_log_probabilities_are_the_models_own()
    {
        using CausalLanguageModel model = Create("gpt2");
        GenerationResult result = new TokenGenerator(model).Generate(Prompts, new GenerationOptions { MaxNewTokens = 5 });
        for (int row = 0; row < Prompts.Length; row++)
            CollectionAssert.AreEqual(result.LogProbs[row], result.SampledLogProbs[row]);
    }

    [TestMethod]
    public void Tokens_are_drawn_as_often_as_they_are_probable()
    {
        float[] logits = [0, 1, 2, float.NegativeInfinity, -1];
        double[] expected = [.. logits.Select(logit => Math.Exp(logit))];
        double sum = expected.Sum();
        const int Draws = 100_000;
        using var scope = NewDisposeScope();
        Tensor uniforms = tensor([.. Enumerable.Range(0, Draws).Select(row => new RowRandom(1, row).Uniform(0))]);
        TokenSampler sampler = new(new GenerationOptions(), new LogitsProcessors(new GenerationOptions(), [], CPU));
        TokenChoice choice = sampler.Choose(tensor(logits).unsqueeze(0).expand(Draws, 5), null, 0, uniforms);
        int[] counts = new int[5];
        foreach (long token in choice.Tokens.data<long>().ToArray())
            counts[token]++;
        double[] shares = [.. counts.Select(count => count / (double)Draws)];
        Close.Absolute(expected.Select(mass => mass / sum).ToArray(), shares, 0.01); // five standard deviations are 0.008
    }

    [TestMethod]
    public void An_end_token_is_kept_and_ends_its_row_only()
    {
        using CausalLanguageModel model = Create("gpt2");
        TokenGenerator generator = new(model);
        GenerationOptions options = new() { MaxNewTokens = 8, DoSample = false, EosTokenIds = [] };
        GenerationResult free = generator.Generate(Prompts, options);
        int end = free.Tokens[0][2];
        GenerationResult ended = generator.Generate(Prompts, options with { EosTokenIds = [end] });
        int first = Array.IndexOf(free.Tokens[0], end);
        CollectionAssert.AreEqual(free.Tokens[0][..(first + 1)], ended.Tokens[0]);
        Assert.IsTrue(ended.Finished[0]);
        Assert.IsFalse(free.Finished[0]);
    }

    [TestMethod]
    public void A_stop_string_ends_a_row_and_stays()
    {
        using CausalLanguageModel model = Create("gpt2");
        GenerationOptions options = new() { MaxNewTokens = 8, DoSample = false, EosTokenIds = [] };
        int[] free = new TokenGenerator(model).Generate([[5]], options).Tokens[0];
        StopStrings stop = new([$"<{free[3]}>"], tokens => string.Concat(tokens.Select(token => $"<{token}>")));
        GenerationResult stopped = new TokenGenerator(model).Generate([[5]], options, stop: stop.IsReached);
        CollectionAssert.AreEqual(free[..(Array.IndexOf(free, free[3]) + 1)], stopped.Tokens[0]);
        Assert.IsTrue(stopped.Finished[0]);
        foreach (IReadOnlyList<string>? wrong in new IReadOnlyList<string>?[] { null, [null!], ["x", ""] })
        {
            string message = wrong switch
            {
                null => "StopStrings is null; it must be a list of texts, an empty one for none.",
                [null] => "StopStrings[0] is null; each must be a text of at least one character.",
                _ => "StopStrings[1] is an empty text; each must be a text of at least one character.",
            };
            StringAssert.StartsWith(
                Assert.ThrowsExactly<ArgumentException>(() => (options with { StopStrings = wrong! }).Validated()).Message, message);
            StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => new StopStrings(wrong!, _ => "")).Message, message);
        }
        Action without = () => new TokenGenerator(model).Generate([[5]], options with { StopStrings = ["x"] });
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(without).Message, "stop predicate");
    }

    [TestMethod]
    public void Rows_end_where_the_context_does()
    {
        using CausalLanguageModel model = Create("gpt2");
        int[] longPrompt = [.. Enumerable.Repeat(3, 38)];
        GenerationOptions options = new() { MaxNewTokens = 30, EosTokenIds = [] };
        GenerationResult result = new TokenGenerator(model).Generate([longPrompt, [4]], options);
        Assert.HasCount(2, result.Tokens[0]);
        Assert.HasCount(30, result.Tokens[1]);
        Assert.IsFalse(result.Finished[0]);
    }

    [TestMethod]
    public void Prompts_that_cannot_be_continued_are_refused_before_any_work()
    {
        using CausalLanguageModel model = Create("gpt2");
        TokenGenerator generator = new(model);
        void Refuses(string part, int[][] prompts) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => generator.Generate(prompts, new GenerationOptions())).Message, part);
        Refuses("has 40 tokens, but the model's context holds 40", [[1], [.. Enumerable.Repeat(3, 40)]]);
        Refuses("Prompt 1 is empty", [[1], []]);
        Refuses("holds the token 50, but the vocabulary has the tokens 0 to 49", [[50]]);
        Assert.IsEmpty(generator.Generate([], new GenerationOptions()).Tokens);
    }

    [TestMethod]
    [DataRow("MaxNewTokens (0)")]
    [DataRow("MinNewTokens (9)")]
    [DataRow("Temperature (0)")]
    [DataRow("TopK (-1)")]
    [DataRow("TopP (0)")]
    [DataRow("MinP (1.5)")]
    [DataRow("RepetitionPenalty (-1)")]
    public void Options_out_of_range_are_named(string message)
    {
        GenerationOptions good = new() { MaxNewTokens = 8 };
        GenerationOptions bad = message.Split(' ')[0] switch
        {
            "MaxNewTokens" => good with { MaxNewTokens = 0 },
            "MinNewTokens" => good with { MinNewTokens = 9 },
            "Temperature" => good with { Temperature = 0 },
            "TopK" => good with { TopK = -1 },
            "TopP" => good with { TopP = 0 },
            "MinP" => good with { MinP = 1.5 },
            _ => good with { RepetitionPenalty = -1 },
        };
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => bad.Validated()).Message, message);
    }

    [TestMethod]
    public void Generation_can_be_canceled_between_tokens()
    {
        using CausalLanguageModel model = Create("gpt2");
        using CancellationTokenSource source = new();
        int seen = 0;
        Assert.ThrowsExactly<OperationCanceledException>(() => new TokenGenerator(model).Generate(
            [[1]], new GenerationOptions { EosTokenIds = [] },
            onToken: (_, _) => { if (++seen == 3) source.Cancel(); }, cancel: source.Token));
        Assert.AreEqual(3, seen);
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    public void Generation_leaves_no_tensor_behind_and_the_mode_as_it_was(string family)
    {
        using CausalLanguageModel model = Create(family);
        model.train();
        Leaks.None(() => new TokenGenerator(model).Generate(Prompts, new GenerationOptions { MaxNewTokens = 4 }));
        Assert.IsTrue(model.training);
    }

    private static CausalLanguageModel Create(string family)
    {
        ModelConfig config = family == "gpt2" ? Gpt2 : Llama with { SlidingWindow = family == "windowed" ? 5 : null };
        return CausalLanguageModel.Create(config with { InitializerRange = 0.3 }, 5);
    }
}
