namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What is known of a source without reading weights.</summary>
/// <param name="Config">Shape and habits of the model.</param>
/// <param name="Tokenizer">Reads its tokenizer.</param>
/// <param name="InMemory">Where its weights are in memory; null = they are not.</param>
/// <param name="IsHeaded">Whether it is a classifier or reward model already.</param>
/// <param name="IsDrawn">Whether its weights are drawn, which is done in float32.</param>
internal sealed record ModelDescription(
    ModelConfig Config, Func<TextTokenizer> Tokenizer, Placement? InMemory = null, bool IsHeaded = false, bool IsDrawn = false);
