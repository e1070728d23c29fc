using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>Prompts as shares of known words.</summary>
internal sealed class PromptWords
{
    private const int Listed = 12;

    private readonly IReadOnlyList<string> _words;
    private readonly Dictionary<string, int> _places;

    public PromptWords(IReadOnlyList<string> words)
    {
        _words = words;
        _places = words.Select((word, place) => (word, place)).ToDictionary();
    }

    /// <summary>The words of a prompt, in lower case.</summary>
    public static string[] Split(string prompt) => prompt.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The first word of a prompt that is not known; null where all are.</summary>
    public string? Unknown(string prompt) => Split(prompt).FirstOrDefault(word => !_places.ContainsKey(word));

    /// <summary>What is wrong with an unknown word, and which ones are known.</summary>
    public string Complaint(string prompt, string word)
    {
        string more = _words.Count > Listed ? $" and {_words.Count - Listed} more" : "";
        string known = _words.Count == 0 ? "no words" : string.Join(", ", _words.Take(Listed)) + more;
        return $"the prompt '{prompt}' has the word '{word}', which the model does not know; it knows {known}.";
    }

    /// <summary>[B, words]: each row the shares of its words, all 0 for the empty prompt. In the current scope.</summary>
    /// <exception cref="ArgumentException">A word is not known, or a prompt is null.</exception>
    public Tensor Shares(IReadOnlyList<string> prompts, Device device)
    {
        float[] shares = new float[prompts.Count * _words.Count];
        for (int row = 0; row < prompts.Count; row++)
        {
            string prompt = prompts[row] ?? throw new ArgumentException($"Prompt {row} is null; give a text.", nameof(prompts));
            if (Unknown(prompt) is { } word)
                throw new ArgumentException($"Prompt {row} cannot be drawn: {Complaint(prompt, word)}", nameof(prompts));
            string[] words = Split(prompt);
            foreach (string each in words)
                shares[(row * _words.Count) + _places[each]] += 1f / words.Length;
        }
        return tensor(shares, [prompts.Count, _words.Count], device: device);
    }
}
