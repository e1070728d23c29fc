using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Generation behind an encoder, on random weights; whole generations of transformers stand in GenerationCaseTests.</summary>
[TestClass]
public sealed class EncoderDecoderGenerationTests
{
    private static readonly int[][] Prompts = [[5, 9, 3, 17, 2, 8, 1], [7, 1], [5, 9, 3, 1]];
    private static readonly GenerationOptions Sampled = new() { MaxNewTokens = 8, EosTokenIds = [], Seed = 4 };

    [TestMethod]
    public void A_row_does_not_depend_on_the_rows_beside_it()
    {
        using CausalLanguageModel model = TinyT5.Network();
        var generator = new TokenGenerator(model);
        GenerationResult together = generator.Generate(Prompts, Sampled, [1, 2, 3]);
        for (int row = 0; row < Prompts.Length; row++)
            CollectionAssert.AreEqual(together.Tokens[row], generator.Generate([Prompts[row]], Sampled, [row + 1]).Tokens[0]);
        CollectionAssert.AreNotEqual(together.Tokens[0], together.Tokens[1]);
    }

    /// <summary>Rows that end early leave the batch, and the encoded prompts must leave with them.</summary>
    [TestMethod]
    public void Rows_that_end_early_change_nothing_for_the_others()
    {
        using CausalLanguageModel model = TinyT5.Network();
        var generator = new TokenGenerator(model);
        int[][] free = [.. generator.Generate(Prompts, Sampled, [1, 2, 3]).Tokens];
        int[][] ended = [.. generator.Generate(
            Prompts, Sampled, [1, 2, 3], stop: tokens => tokens.SequenceEqual(free[0][..2]) || tokens.SequenceEqual(free[2][..3])).Tokens];
        CollectionAssert.AreEqual(free[0][..2], ended[0]);
        CollectionAssert.AreEqual(free[1], ended[1]);
        CollectionAssert.AreEqual(free[2][..3], ended[2]);
    }

    [TestMethod]
    public void Several_sequences_of_a_prompt_are_those_of_several_rows()
    {
        using CausalLanguageModel model = TinyT5.Network();
        var generator = new TokenGenerator(model);
        GenerationResult several = generator.Generate(Prompts, Sampled with { NumReturnSequences = 3 }, [1, 2, 3]);
        Assert.HasCount(9, several.Tokens);
        CollectionAssert.AreEqual(generator.Generate(Prompts, Sampled, [1, 2, 3]).Tokens[1], several.Tokens[3]);
        Assert.HasCount(3, several.Tokens.Skip(3).Take(3).Select(tokens => string.Join(',', tokens)).Distinct());
    }

    [TestMethod]
    public void Nothing_of_a_generation_stays()
    {
        using CausalLanguageModel model = TinyT5.Network();
        Leaks.None(() =>
        {
            var generator = new TokenGenerator(model);
            generator.Generate(Prompts, Sampled with { NumReturnSequences = 2 });
            generator.Generate(Prompts, Sampled with { DoSample = false, NumBeams = 3 });
        });
    }

    /// <summary>Penalties look at what the decoder holds, not at the prompt: transformers' input_ids there are the decoder's.</summary>
    [TestMethod]
    public void Processors_look_at_the_answer_alone()
    {
        using CausalLanguageModel model = TinyT5.Network();
        GenerationOptions greedy = Sampled with { DoSample = false, MaxNewTokens = 1 };
        int[] likeliest = [.. Prompts.Select(prompt => new TokenGenerator(model).Generate([prompt], greedy).Tokens[0][0])];
        for (int row = 0; row < Prompts.Length; row++)
        {
            int[] prompt = [likeliest[row], .. Prompts[row]]; // in the prompt a token is not penalized
            int first = new TokenGenerator(model).Generate([prompt], greedy).Tokens[0][0];
            int penalized = new TokenGenerator(model).Generate([prompt], greedy with { RepetitionPenalty = 1e6 }).Tokens[0][0];
            Assert.AreEqual(first == 0 ? penalized : first, penalized, "the start token alone is held");
        }
    }

    [TestMethod]
    public async Task Text_is_completed_and_streamed_alike()
    {
        using LanguageModel model = TinyT5.Model();
        GenerationOptions options = Sampled with { Temperature = 2 };
        string whole = model.Complete("the film", options);
        var pieces = new List<string>();
        await foreach (string piece in model.StreamAsync("the film", options))
            pieces.Add(piece);
        Assert.AreEqual(whole, string.Concat(pieces));
        Assert.AreEqual(whole, model.Complete(["a", "the film"], options)[1]);
    }
}
