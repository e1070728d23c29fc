namespace Microsoft.ML.Tokenizers;

public class CompositePreTokenizer : PreTokenizer
{
    private const int Most = 10;

    public CompositePreTokenizer(IReadOnlyList<PreTokenizer> preTokenizers, IReadOnlyDictionary<string, int> specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(preTokenizers);
        if (preTokenizers.Count > Most)
            throw new ArgumentException($"Too many pre-tokenizers provided. Maximum is {Most}.", nameof(preTokenizers));
        if (preTokenizers.Contains(null))
            throw new ArgumentException("Pre-tokenizer cannot be null.", nameof(preTokenizers));
        PreTokenizers = specialTokens is { Count: > 0 }
            ? new List<PreTokenizer> { new RegexPreTokenizer(RegexPreTokenizer.AnyOf(specialTokens.Keys), null) }.Concat(preTokenizers).ToList().AsReadOnly()
            : preTokenizers;
    }

    public IReadOnlyList<PreTokenizer> PreTokenizers { get; }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => Split(text, 0, 0, text.Length);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => text.IsEmpty ? [] : PreTokenize(text.ToString());

    // What a pre-tokenizer matches is final; what lies between its matches goes to the next one.
    private IEnumerable<(int Offset, int Length)> Split(string text, int which, int offset, int length)
    {
        int at = 0;
        foreach ((int start, int size) in PreTokenizers[which].PreTokenize(text.AsSpan(offset, length)))
        {
            if (start > at)
                foreach ((int, int) rest in Rest(text, which, offset + at, start - at, start))
                    yield return rest;
            yield return (offset + start, size);
            at = start + size;
        }
        if (at < length)
            foreach ((int, int) rest in Rest(text, which, offset + at, length - at, length))
                yield return rest;
    }

    // The real package reports the last pre-tokenizer's gaps with the length of everything before them.
    private IEnumerable<(int Offset, int Length)> Rest(string text, int which, int offset, int length, int reported)
        => which + 1 < PreTokenizers.Count ? Split(text, which + 1, offset, length) : [(offset, reported)];
}
