using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Text;

[TestClass]
public sealed class CompletionTests
{
    [TestMethod]
    [DataRow(1, "")] // the character is not finished: nothing of it is shown
    [DataRow(3, "\uFFFD\uFFFD")] // two bytes that nothing can finish, and one that was cut
    public void A_completion_that_ends_inside_a_character_does_not_show_it(int tokens, string expected)
    {
        using LanguageModel model = AlwaysWriting(Tiny.Tokenizer.IdOf("Ã")!.Value); // the byte C3, which begins a character of two
        Assert.AreEqual(expected, model.Complete("the film", new GenerationOptions { DoSample = false, MaxNewTokens = tokens }));
    }

    [TestMethod]
    public void Stop_strings_that_are_none_are_named()
    {
        using LanguageModel model = Tiny.Model();
        Refused([null!], "StopStrings[0] is null");
        Refused(null!, "StopStrings is null");

        void Refused(string[] stops, string message) => StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(() => model.Complete("a", new GenerationOptions { StopStrings = stops })).Message,
            message);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    public void Several_completions_of_a_prompt_stand_side_by_side(int beams)
    {
        using LanguageModel model = Tiny.Model();
        string[] prompts = [.. Enumerable.Range(0, 9).Select(i => $"the film {i}")]; // more than fit into one batch
        GenerationOptions options = new() { MaxNewTokens = 5, NumBeams = beams, NumReturnSequences = 4, EosTokenIds = [] };
        IReadOnlyList<string> all = model.Complete(prompts, options);
        Assert.HasCount(36, all);
        for (int i = 0; i < prompts.Length; i++)
        {
            CollectionAssert.AreEqual(model.Complete([prompts[i]], options).ToArray(), all.Skip(4 * i).Take(4).ToArray());
            Assert.AreEqual(model.Complete(prompts[i], options with { NumReturnSequences = 1 }), all[4 * i]);
        }
    }

    [TestMethod]
    public void A_finished_character_is_shown()
    {
        using LanguageModel model = AlwaysWriting(Tiny.Tokenizer.IdOf("a")!.Value);
        Assert.AreEqual("aaa", model.Complete("the film", new GenerationOptions { DoSample = false, MaxNewTokens = 3 }));
    }

    /// <summary>A model whose last hidden state is always 1, and whose projection gives one token alone more than 0.</summary>
    private static LanguageModel AlwaysWriting(int token)
    {
        LanguageModel model = Tiny.Model();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> weights = model.Network.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        weights["transformer.ln_f.weight"].zero_();
        weights["transformer.ln_f.bias"].fill_(1);
        weights["transformer.wte.weight"].zero_();
        weights["transformer.wte.weight"][token].fill_(1);
        return model;
    }
}
