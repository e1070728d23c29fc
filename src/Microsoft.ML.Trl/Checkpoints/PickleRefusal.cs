namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Pickled weights are programs: reading them runs whatever their author put in. They are refused, by name.</summary>
internal static class PickleRefusal
{
    private static readonly string[] Patterns = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl"];

    /// <summary>Explains why a folder without safetensors cannot be loaded. Always throws.</summary>
    /// <exception cref="NotSupportedException">There are pickled weights.</exception>
    /// <exception cref="FileNotFoundException">There are no weights at all.</exception>
    public static void ThrowIfPickled(string folder)
    {
        string? pickle = Patterns.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)).Min(StringComparer.Ordinal);
        throw pickle is null
            ? new FileNotFoundException(
                $"'{folder}' has neither {SafetensorsFolder.SingleFile} nor {SafetensorsFolder.IndexFile}; "
                + "give a folder that save_pretrained wrote, or one saved by this library.")
            : new NotSupportedException(
                $"'{pickle}' holds pickled weights; reading such a file can run any program, so it is refused. "
                + "Convert it once where you trust it: python -c \"from transformers import AutoModelForCausalLM as M; "
                + $"M.from_pretrained('{folder}').save_pretrained('{folder}', safe_serialization=True)\".");
    }
}
