namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The labels that a classifier is to tell apart, and how its head is made where it has none for them.</summary>
/// <param name="Names">In the order of the scores.</param>
/// <param name="IsOrderFree">Whether a model that has the same labels in another order keeps its own.</param>
/// <param name="Seed">Of a new head.</param>
internal sealed record WantedLabels(IReadOnlyList<string> Names, bool IsOrderFree, int Seed)
{
    /// <summary>The same classifier where it has these labels, else one with its layers and a new head.</summary>
    /// <param name="found">Disposed where another takes its place.</param>
    public TextClassifier Given(TextClassifier found)
    {
        bool isSame = IsOrderFree ? found.Labels.ToHashSet().SetEquals(Names) : found.Labels.SequenceEqual(Names);
        if (isSame)
            return found;
        using (found)
            return Heading(found.Network, found.Tokenizer);
    }

    /// <summary>A classifier with the layers of a model, copied unless they are quantized, and a new head.</summary>
    public TextClassifier Heading(DecoderModel model, TextTokenizer tokenizer) => new(
        model.Quantization == WeightQuantization.None
            ? SequenceClassifier.FromModel(model, Names, Seed)
            : SequenceClassifier.Beside(model, Names, Seed),
        tokenizer);
}
