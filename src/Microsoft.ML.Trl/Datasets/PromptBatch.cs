using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Prompts for an encoder, padded on the right.</summary>
/// <param name="Ids">[B, S] int64; padding is 0.</param>
/// <param name="Mask">[B, S] bool, true on real tokens; null when nothing is padded.</param>
/// <param name="Tokens">Real tokens.</param>
internal sealed record PromptBatch(Tensor Ids, Tensor? Mask, long Tokens) : IDisposable
{
    /// <summary>Pads prompts. The tensors belong to the current scope.</summary>
    /// <param name="prompts">Token ids, at least one prompt.</param>
    /// <param name="device">Where the tensors go; null = CPU.</param>
    /// <exception cref="ArgumentException">A prompt is empty.</exception>
    public static PromptBatch Create(IReadOnlyList<int[]> prompts, Device? device)
    {
        int width = prompts.Max(prompt => prompt.Length);
        var ids = new long[prompts.Count * (long)width];
        var real = new bool[ids.Length];
        for (int row = 0; row < prompts.Count; row++)
        {
            if (prompts[row].Length == 0)
                throw new ArgumentException(
                    $"Row {row} has no prompt, which the encoder of the model reads; give prompt and answer apart.", nameof(prompts));
            for (int i = 0; i < prompts[row].Length; i++)
                (ids[(row * width) + i], real[(row * width) + i]) = (prompts[row][i], true);
        }
        Tensor? mask = real.Contains(false) ? tensor(real, [prompts.Count, width], device: device) : null;
        return new PromptBatch(tensor(ids, [prompts.Count, width], device: device), mask, prompts.Sum(prompt => (long)prompt.Length));
    }

    /// <summary>Takes the tensors out of their scope; whoever asks disposes the batch.</summary>
    public PromptBatch Detach()
    {
        Ids.DetachFromDisposeScope();
        Mask?.DetachFromDisposeScope();
        return this;
    }

    public void Dispose()
    {
        Ids.Dispose();
        Mask?.Dispose();
    }
}
