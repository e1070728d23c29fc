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
        GenerationResult together = new TokenGenerator(model) { KeepsStates = true }.Generate(prompts, options);
        for (int row = 0; row < prompts.Length; row++)
        {
            GenerationResult alone = new TokenGenerator(model) { KeepsStates = true }.Generate([prompts[row]], options);
            CollectionAssert.AreEqual(alone.Tokens[0], together.Tokens[row], $"row {row}");
            Close.Absolute(alone.LogProbs[0], together.LogProbs[row], Tolerance, $"{name} shared beginning, log-probabilities");
            Close.Absolute(alone.States!, together.States!.narrow(0, row * 6, 6), Tolerance, $"{name} shared beginning, states");
        }
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
}
