
namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>A policy small enough to train within a test, and rows for it.</summary>
internal static class Tiny
{
    public static readonly GenerationOptions Greedy = new() { DoSample = false, MaxNewTokens = 6 };

    private static readonly string[] Corpus =
    [
        "the film was good and warm", "the film was bad and cold",
        "a good story", "a bad story",
        "the plot was thin", "the plot was rich and good",
    ];

    public static readonly TextTokenizer Tokenizer = BpeTrainer.Train(Corpus, 300);

    public static ModelConfig Config(int context = 32) => ModelConfig.Gpt2(Tokenizer.VocabularySize, 16, 2, 2, context, dropout: 0);

    public static ModelSource Source(int seed = 1, int context = 32) => ModelSource.New(Config(context), Tokenizer, seed);

    public static LanguageModel Model(int seed = 1) =>
        Source(seed).OpenPolicy(new Placement(TorchSharp.torch.CPU, TorchSharp.torch.ScalarType.Float32));

    public static PairRow[] Pairs { get; } =
    [
        new() { Prompt = "the film", Completion = " was good", Chosen = " was good and warm", Rejected = " was bad", Margin = 1 },
        new() { Prompt = "a", Completion = " good story", Chosen = " good story", Rejected = " bad story", Margin = 0.5f },
        new() { Prompt = "the plot", Completion = " was rich", Chosen = " was rich and good", Rejected = " was thin", Margin = 2 },
        new() { Prompt = "the story", Completion = " was good", Chosen = " was warm", Rejected = " was cold", Margin = 1 },
    ];

    /// <summary>A row that every stage can read.</summary>
    public sealed class PairRow
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public string Chosen { get; set; } = "";

        public string Rejected { get; set; } = "";

        public float Margin { get; set; }
    }

    public sealed class PromptRow
    {
        public string Prompt { get; set; } = "";
    }

    public sealed class Answer
    {
        public string Completion { get; set; } = "";
    }

    public sealed class ScoredAnswer
    {
        public string Completion { get; set; } = "";

        public float Score { get; set; }
    }
}
