using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>What tells the next tokens of a batch of growing rows, one token per row and call. Call without gradients.</summary>
internal interface IDecoding : IDisposable
{
    /// <summary>Reads the prompts.</summary>
    /// <returns>[R, H] the states that the first new tokens follow from. The caller owns it.</returns>
    Tensor Start();

    /// <summary>Reads one more token of each row.</summary>
    /// <param name="tokens">[R] int64.</param>
    /// <returns>[R, H] the states after them. The caller owns it.</returns>
    Tensor Next(Tensor tokens);

    /// <summary>Keeps some rows and forgets the others.</summary>
    /// <param name="rows">The rows that stay.</param>
    void Keep(IReadOnlyList<long> rows);

    /// <summary>From states to the logits of the next token.</summary>
    /// <param name="states">[R, H]</param>
    /// <returns>[R, V]. In the current scope.</returns>
    Tensor Logits(Tensor states);
}
