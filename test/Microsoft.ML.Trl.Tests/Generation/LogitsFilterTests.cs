using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Filters against transformers' logits processors: equal scores to 1e-5, the same tokens forbidden.</summary>
[TestClass]
public sealed class LogitsFilterTests
{
    private const int Rows = 3;
    private const int Vocabulary = 30;
    private const double Tolerance = 1e-5;

    [TestMethod]
    public void Every_filter_bends_scores_as_transformers_does()
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("generation", "processors.safetensors"));
        using JsonDocument cases = Fixtures.Json("generation", "processors.json");
        int tested = 0;
        foreach (JsonElement description in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = description.GetProperty("name").GetString()!;
            if (FilterOf(description, file.Read("input_ids")) is not { } filter)
                continue;
            tested++;
            // A forbidden token has -infinity on both sides.
            Close.Absolute(file.Read(name), filter(file.Read("scores")), Tolerance, $"processors {name}");
        }
        Assert.AreEqual(30, tested, "filters of this library among the cases");
    }

    /// <summary>A sampler tells the log-probability of one token per draw only, so it draws until every likely one has come.</summary>
    [TestMethod]
    [DataRow("temperature_0.5", 0, 1.0, 0.0, 0.5)]
    [DataRow("temperature_1.7", 0, 1.0, 0.0, 1.7)]
    [DataRow("top_k_1", 1, 1.0, 0.0)]
    [DataRow("top_k_5", 5, 1.0, 0.0)]
    [DataRow("top_k_100", 100, 1.0, 0.0)]
    [DataRow("top_p_0.1", 0, 0.1, 0.0)]
    [DataRow("top_p_0.5", 0, 0.5, 0.0)]
    [DataRow("top_p_0.9", 0, 0.9, 0.0)]
    [DataRow("top_p_0.99", 0, 0.99, 0.0)]
    [DataRow("min_p_0.05", 0, 1.0, 0.05)]
    [DataRow("min_p_0.3", 0, 1.0, 0.3)]
    public void Tokens_are_drawn_with_the_log_probabilities_of_transformers(
        string name, int topK, double topP, double minP, double temperature = 1)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("generation", "processors.safetensors"));
        Tensor reference = temperature == 1 ? file.Read(name + ".logprobs") : file.Read(name).log_softmax(-1);
        float[][] expected = [.. reference.data<float>().ToArray().Chunk(Vocabulary)];
        float[][] drawn = Drawn(
            file.Read("scores"), null, new GenerationOptions { TopK = topK, TopP = topP, MinP = minP, Temperature = temperature }, 0);
        for (int row = 0; row < Rows; row++)
        {
            int[] compared =
                [.. Enumerable.Range(0, Vocabulary).Where(token => expected[row][token] > -6 || float.IsFinite(drawn[row][token]))];
            float[] Of(float[] all) => [.. compared.Select(token => all[token])];
            Close.Absolute(Of(expected[row]), Of(drawn[row]), Tolerance, $"processors {name}.logprobs");
        }
    }

    [TestMethod]
    [DataRow(10, 0.85, 0.1)]
    [DataRow(0, 0.85, 0.1)]
    [DataRow(10, 1.0, 0.1)]
    public void Filters_act_in_the_order_of_transformers(int topK, double topP, double minP)
    {
        using var scope = NewDisposeScope();
        GenerationOptions options = new()
        {
            RepetitionPenalty = 1.2, MinNewTokens = 3, Temperature = 0.8, TopK = topK, TopP = topP, MinP = minP,
        };
        Tensor scores = randn(Rows, Vocabulary, generator: new Generator(3)) * 2;
        long[][] contexts = [[1, 5, 9], [2, 2, 2], [7, 8, 29]];
        float[][] drawn = Drawn(scores, tensor(contexts.SelectMany(ids => ids).ToArray()).view(Rows, 3), options, 1);
        for (int row = 0; row < Rows; row++)
        {
            double[] expected = Bent([.. scores[row].data<float>().ToArray().Select(score => (double)score)], contexts[row], options);
            for (int token = 0; token < Vocabulary; token++)
                if (expected[token] > -6 || float.IsFinite(drawn[row][token]))
                    Close.Absolute(expected[token], drawn[row][token], Tolerance, $"row {row}, token {token}");
        }
    }

    [TestMethod]
    [DataRow(0.01)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    [DataRow(0.999)]
    [DataRow(1e-6)]
    public void Top_p_keeps_what_sorting_would(double probability)
    {
        using var scope = NewDisposeScope();
        Random random = new(3);
        float[] scores = [.. Enumerable.Range(0, 2000).Select(_ => (float)(random.Next(40) / 4.0 * random.NextDouble()))];
        double sum = scores.Sum(score => Math.Exp(score));
        double before = 0;
        int kept = 0;
        foreach (float score in scores.OrderDescending())
        {
            if (before >= probability * sum)
                break;
            before += Math.Exp(score);
            kept++;
        }
        (Tensor filtered, Tensor tokens) = LogitsFilters.TopP(tensor(scores).unsqueeze(0), probability);
        float[] left = [.. filtered.data<float>().ToArray().Where(float.IsFinite)];
        Assert.AreEqual(kept, left.Length, 1);
        CollectionAssert.AreEqual(scores.OrderDescending().Take(left.Length).ToArray(), left);
        CollectionAssert.AreEqual(left, tokens.data<long>().ToArray().Take(left.Length).Select(token => scores[token]).ToArray());
    }

    [TestMethod]
    [DataRow(1, 4096)]
    [DataRow(7, 5003)]
    [DataRow(50, 5003)]
    [DataRow(50, 8192)]
    public void Top_k_of_a_large_vocabulary_is_that_of_sorting(int k, int vocabulary)
    {
        using var scope = NewDisposeScope();
        Tensor scores = randn(3, vocabulary, generator: new Generator(1)) * 3;
        (Tensor best, Tensor tokens) = LogitsFilters.TopK(scores, k);
        (Tensor sorted, Tensor order) = scores.sort(-1, descending: true);
        Close.Absolute(sorted.narrow(1, 0, k), best.narrow(1, 0, k), 0, "scores");
        Close.Absolute(order.narrow(1, 0, k), tokens.narrow(1, 0, k), 0, "tokens");
        Assert.IsTrue(best.narrow(1, k, 16).isinf().all().item<bool>(), "what is beyond the k is forbidden");
    }

    [TestMethod]
    public void Top_k_keeps_ties()
    {
        using var scope = NewDisposeScope();
        (Tensor best, Tensor tokens) = LogitsFilters.TopK(tensor([1f, 3, 2, 2, 0, 2]).unsqueeze(0), 2);
        CollectionAssert.AreEquivalent(new long[] { 1, 2, 3, 5 }, tokens.masked_select(best.isfinite()).data<long>().ToArray());
    }

    /// <summary>
    /// Per row and token, the log-probability that the sampler told when it drew the token; negative infinity when it never did.
    /// </summary>
    private static float[][] Drawn(Tensor scores, Tensor? context, GenerationOptions options, int newTokens)
    {
        const int Draws = 4000;
        Tensor uniforms = tensor([.. Enumerable.Range(0, Rows * Draws).Select(i => new RowRandom(i % Draws, i / Draws).Uniform(0))]);
        TokenChoice choice = new TokenSampler(options, new LogitsProcessors(options, [4], CPU)).Choose(
            scores.repeat_interleave(Draws, 0), context?.repeat_interleave(Draws, 0), newTokens, uniforms);
        float[][] drawn = [.. Enumerable.Range(0, Rows).Select(_ => Enumerable.Repeat(float.NegativeInfinity, Vocabulary).ToArray())];
        long[] tokens = choice.Tokens.data<long>().ToArray();
        float[] logProbs = choice.SampledLogProbs!.data<float>().ToArray();
        for (int i = 0; i < tokens.Length; i++)
            drawn[i / Draws][tokens[i]] = logProbs[i];
        return drawn;
    }

    /// <summary>Log-probabilities after all filters, worked out one number at a time.</summary>
    private static double[] Bent(double[] scores, long[] context, GenerationOptions options)
    {
        foreach (long token in context.Distinct())
            scores[token] = scores[token] < 0 ? scores[token] * options.RepetitionPenalty : scores[token] / options.RepetitionPenalty;
        scores[4] = double.NegativeInfinity; // the end token, too early
        for (int i = 0; i < scores.Length; i++)
            scores[i] /= options.Temperature;
        void Keep(Func<double, bool> keeps)
        {
            for (int i = 0; i < scores.Length; i++)
                scores[i] = keeps(scores[i]) ? scores[i] : double.NegativeInfinity;
        }
        double Total() => scores.Sum(Math.Exp);
        if (options.TopK > 0)
        {
            double smallest = scores.OrderDescending().ElementAt(options.TopK - 1);
            Keep(score => score >= smallest);
        }
        if (options.TopP < 1)
        {
            double total = Total();
            double[] all = [.. scores];
            Keep(score => all.Where(other => other > score).Sum(Math.Exp) < options.TopP * total);
        }
        double top = scores.Max();
        Keep(score => score >= top + Math.Log(options.MinP));
        double logTotal = Math.Log(Total());
        return [.. scores.Select(score => score - logTotal)];
    }

    private static Func<Tensor, Tensor>? FilterOf(JsonElement description, Tensor context)
    {
        string[] keys = [.. description.EnumerateObject().Select(field => field.Name).Where(key => key != "name")];
        double Number(string key) => description.GetProperty(key).GetDouble();
        long width = context.shape[1];
        long[] Ends() => description.GetProperty("eos_token_id") is { ValueKind: JsonValueKind.Array } many
            ? [.. many.EnumerateArray().Select(id => id.GetInt64())] : [description.GetProperty("eos_token_id").GetInt64()];
        Func<Tensor, Tensor> Early(double shortest) => scores => width < shortest ? LogitsFilters.Forbid(scores, tensor(Ends())) : scores;
        int[][] rows = FixtureRows.Of(context);
        Func<Tensor, Tensor> Processed(GenerationOptions options, long step = 0, int? held = null, int limit = 99) => scores =>
            new LogitsProcessors(options, [2], CPU).Apply(
                scores, null, (int)step, [.. rows.Select((row, i) => new GrowingRow(i, row[..(held ?? row.Length)], limit, default))]);
        int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];
        return string.Join(' ', keys) switch
        {
            "top_k" => scores => Spread(LogitsFilters.TopK(scores, (int)Number("top_k"))),
            "top_p" => scores => Spread(LogitsFilters.TopP(scores, Number("top_p"))),
            "min_p" => scores => LogitsFilters.MinP(scores, Number("min_p")),
            "repetition_penalty" => scores => LogitsFilters.Penalize(scores, context, Number("repetition_penalty")),
            "prompt_length_to_skip min_new_tokens eos_token_id" => Early(Number("prompt_length_to_skip") + Number("min_new_tokens")),
            "min_length eos_token_id" => Early(Number("min_length")),
            "typical_p" => scores => LogitsFilters.Typical(scores, Number("typical_p")),
            "epsilon_cutoff" => scores => LogitsFilters.Epsilon(scores, Number("epsilon_cutoff")),
            "eta_cutoff" => scores => LogitsFilters.Eta(scores, Number("eta_cutoff")),
            "no_repeat_ngram_size" => Processed(new() { NoRepeatNgramSize = (int)Number("no_repeat_ngram_size") }),
            "bad_words_ids eos_token_id" => Processed(
                new() { BadWordsIds = [.. description.GetProperty("bad_words_ids").EnumerateArray().Select(Ids)] }),
            "suppress_tokens" => Processed(new() { SuppressTokens = Ids(description.GetProperty("suppress_tokens")) }),
            "begin_suppress_tokens begin_index" => Processed(
                new() { BeginSuppressTokens = Ids(description.GetProperty("begin_suppress_tokens")) }, width - (long)Number("begin_index")),
            "forced_bos_token_id cur_len" => Processed(
                new() { ForcedBosTokenId = (int)Number("forced_bos_token_id") }, held: (int)Number("cur_len")),
            "max_length forced_eos_token_id" => Processed(
                new() { ForcedEosTokenId = (int)Number("forced_eos_token_id") }, limit: (int)(Number("max_length") - width)),
            _ => null,
        };
    }

    private static Tensor Spread((Tensor Scores, Tensor Tokens) left) =>
        full([Rows, Vocabulary], float.NegativeInfinity).scatter(-1, left.Tokens, left.Scores);
}
