namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Encoder-decoders small enough to train within a test; their tokenizer is that of <see cref="Tiny"/>.</summary>
internal static class TinyT5
{
    public static ModelConfig Config(bool isVersion11 = false, double dropout = 0) =>
        ModelConfig.T5(Tiny.Tokenizer.VocabularySize, 16, 2, 2, isVersion11, dropout);

    public static ModelSource Source(int seed = 1, bool isVersion11 = false) =>
        ModelSource.New(Config(isVersion11), Tiny.Tokenizer, seed);

    public static LanguageModel Model(int seed = 1, bool isVersion11 = false) =>
        Source(seed, isVersion11).OpenPolicy(new Placement(TorchSharp.torch.CPU, TorchSharp.torch.ScalarType.Float32));

    /// <summary>Random weights of a network of 50 tokens.</summary>
    public static CausalLanguageModel Network(bool isVersion11 = false, double dropout = 0, int seed = 3)
    {
        CausalLanguageModel model = CausalLanguageModel.Create(ModelConfig.T5(50, 16, 2, 2, isVersion11, dropout), seed);
        model.eval();
        return model;
    }
}
