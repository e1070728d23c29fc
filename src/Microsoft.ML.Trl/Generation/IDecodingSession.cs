namespace Microsoft.ML.Trl.Generation;

/// <summary>Runs a model over a batch of growing rows, one token per row and call.</summary>
internal interface IDecodingSession : IDisposable
{
    /// <summary>[rows · H] receives the final hidden states that the logits of the last call came from, in the same order; null when nobody asks.</summary>
    float[]? States { get; set; }

    /// <summary>Reads the prompts.</summary>
    /// <param name="logits">[rows · V] receives the logits after the last token of each prompt.</param>
    void Start(float[] logits);

    /// <summary>Reads one more token of some rows. A row that is left out once never comes back.</summary>
    /// <param name="rows">Numbers of the rows, ascending.</param>
    /// <param name="tokens">Their newest tokens.</param>
    /// <param name="logits">[rows.Length · V] receives the logits after them, in the same order.</param>
    void Next(int[] rows, int[] tokens, float[] logits);
}
