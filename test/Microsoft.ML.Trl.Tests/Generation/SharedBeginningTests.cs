using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Prompts that begin alike are read once as far as they do: the numbers are those of each prompt by itself.</summary>
[TestClass]
public sealed class SharedBeginningTests
{
    private const double Tolerance = 1e-4;

    public static IEnumerable<object[]> Families => ModelFixture.Decoders;

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void A_shared_beginning_changes_no_number(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Random random = new(4);
        int[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(3, 250))];
        int[] beginning = Some(20);
        int[][] prompts = [[.. beginning, .. Some(9)], [.. beginning, 7], [.. beginning, .. Some(3)], [.. beginning, .. Some(9)]];
        GenerationOptions options = new() { DoSample = false, MaxNewTokens = 6, EosTokenIds = [] };
        RequireSameAlone(model, prompts, options, name);
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Rows_of_one_prompt_say_what_each_says_alone(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Random random = new(4);
        int[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(3, 250))];
        int[][] different = [Some(70), Some(67), Some(74)];
        int[][] prompts = [.. different.SelectMany(prompt => Enumerable.Repeat(prompt, 4))];
        GenerationOptions options = new() { MaxNewTokens = 9, EosTokenIds = [] };
        bool Ends(IReadOnlyList<int> tokens) => tokens.Count >= 2 + (tokens[0] % 7); // so that rows are left out at several times
        GenerationResult together = RequireSameAlone(model, prompts, options, name, Ends);
        Assert.IsGreaterThan(2, together.Tokens.Select(row => row.Length).Distinct().Count());
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void A_cache_that_is_shared_by_groups_holds_what_each_row_has_read(string name) => Leaks.None(() =>
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        List<long>[] texts = [[.. Enumerable.Range(5, 66)], [.. Enumerable.Range(40, 66)]];
        using var cache = new KeyValueCache(model.Body, 2, 72);
        model.Hidden(Ids(texts), cache: cache).Dispose();
        long next = 100;
        foreach (long[] kept in new long[][] { [0, 0, 0, 1, 1, 1], [3, 4, 5, 1, 2, 0], [3, 5, 4], [2, 0], [1, 1, 0] })
        {
            cache.Keep(kept);
            texts = [.. kept.Select(row => texts[row].Append(next++).ToList())];
            Assert.AreEqual((texts.Length, texts[0].Count - 1), (cache.Rows, cache.Length));
            Tensor now = model.Hidden(Ids([.. texts.Select(text => text[^1..])]), cache: cache), whole = model.Hidden(Ids(texts));
            Close.Absolute(whole.select(1, -1), now.select(1, -1), Tolerance, $"{name}, {string.Join(' ', kept)}");
        }
        cache.Keep([0, 0]);
        cache.Clear();
        texts = [[1, 2, 3], [4, 5, 6]];
        Close.Absolute(model.Hidden(Ids(texts)), model.Hidden(Ids(texts), cache: cache), Tolerance, $"{name}, cleared");
    });

    [TestMethod]
    public void Beams_that_share_their_prompts_find_what_each_prompt_finds_alone()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(50, 32, 2, 4, 99) with { InitializerRange = 0.3 }, 5);
        Random random = new(4);
        IEnumerable<int> Some(int count) => Enumerable.Range(0, count).Select(_ => random.Next(10, 50));
        GenerationOptions options = new() { MaxNewTokens = 8, NumBeams = 4, DoSample = false, EosTokenIds = [7, 8, 9] };
        int[][] prompts = [[.. Some(80)], [.. Some(75)], [.. Some(72)]];
        GenerationResult together = new TokenGenerator(model).Generate(prompts, options);
        for (int row = 0; row < prompts.Length; row++)
            CollectionAssert.AreEqual(new TokenGenerator(model).Generate([prompts[row]], options).Tokens[0], together.Tokens[row]);
    }

    [TestMethod]
    public void Sequences_of_one_prompt_share_it_and_nothing_is_left_behind()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.Gpt2(50, 32, 2, 4, 60) with { InitializerRange = 0.3 }, 5);
        int[] prompt = [.. Enumerable.Range(1, 40)];
        GenerationOptions options = new() { MaxNewTokens = 8, NumReturnSequences = 4 };
        Leaks.None(() => new TokenGenerator(model).Generate([prompt], options));
        GenerationResult several = new TokenGenerator(model).Generate([prompt], options);
        CollectionAssert.AreEqual(
            new TokenGenerator(model).Generate([prompt], options with { NumReturnSequences = 1 }).Tokens[0], several.Tokens[0]);
    }

    /// <summary>Fails unless each row says what its prompt says alone with the same random numbers.</summary>
    private static GenerationResult RequireSameAlone(
        CausalLanguageModel model, int[][] prompts, GenerationOptions options, string name, Func<IReadOnlyList<int>, bool>? ends = null)
    {
        TokenGenerator generator = new(model) { KeepsStates = true };
        GenerationResult together = generator.Generate(prompts, options, stop: ends); // rows are numbered from 0
        int start = 0;
        for (int row = 0; row < prompts.Length; row++)
        {
            GenerationResult alone = generator.Generate([prompts[row]], options, [row], ends);
            CollectionAssert.AreEqual(alone.Tokens[0], together.Tokens[row], $"row {row}");
            Close.Absolute(alone.LogProbs[0], together.LogProbs[row], Tolerance, $"{name}, log-probabilities");
            Close.Absolute(alone.States!, together.States!.narrow(0, start, alone.Tokens[0].Length), Tolerance, $"{name}, states");
            start += alone.Tokens[0].Length;
        }
        return together;
    }

    private static Tensor Ids(IReadOnlyList<List<long>> texts) =>
        stack([.. texts.Select(text => tensor(text.ToArray()))]);
}
