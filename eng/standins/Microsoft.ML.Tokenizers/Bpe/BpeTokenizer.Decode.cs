using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Tokenizers;

public sealed partial class BpeTokenizer
{
    private const int DecodeBytes = 256, DecodeChars = 128;

    public override string Decode(IEnumerable<int> ids) => Decode(ids, considerSpecialTokens: true);

    public string Decode(IEnumerable<int> ids, bool considerSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (ByteLevel)
            return DecodeBytesOf(ids, considerSpecialTokens);
        var text = new StringBuilder();
        foreach (int id in ids)
        {
            string special = _specialOfId?.GetValueOrDefault(id) ?? (id == _unknownId ? UnknownToken : null);
            if (special is null || considerSpecialTokens)
                text.Append(special ?? _tokens.GetValueOrDefault(id));
        }
        string result = text.ToString();
        if (EndOfWordSuffix is { Length: > 0 })
            result = (result.EndsWith(EndOfWordSuffix, StringComparison.Ordinal) ? result[..^EndOfWordSuffix.Length] : result).Replace(EndOfWordSuffix, " ", StringComparison.Ordinal);
        if (ContinuingSubwordPrefix is { Length: > 0 })
            result = result.Replace(ContinuingSubwordPrefix, "", StringComparison.Ordinal);
        return result;
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
        => Decode(ids, destination, considerSpecialTokens: true, out idsConsumed, out charsWritten);

    public OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, bool considerSpecialTokens, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (ByteLevel)
            return DecodeBytesOf(ids, destination, considerSpecialTokens, out idsConsumed, out charsWritten);
        (idsConsumed, charsWritten) = (0, 0);
        bool blank = false; // a suffix becomes a blank only when something follows
        int before = 0;
        foreach (int id in ids)
        {
            if (id == _unknownId && !considerSpecialTokens)
            {
                idsConsumed++;
                continue;
            }
            if (blank)
            {
                if (charsWritten == destination.Length)
                {
                    charsWritten = before;
                    return OperationStatus.DestinationTooSmall;
                }
                destination[charsWritten++] = ' ';
            }
            if (_tokens.TryGetValue(id, out string token))
            {
                ReadOnlySpan<char> rest = WithoutPrefix(token);
                blank = EndOfWordSuffix is { Length: > 0 } && rest.EndsWith(EndOfWordSuffix, StringComparison.Ordinal);
                if (blank)
                {
                    rest = rest[..^EndOfWordSuffix.Length];
                    before = charsWritten;
                }
                if (!rest.TryCopyTo(destination[charsWritten..]))
                    return OperationStatus.DestinationTooSmall;
                charsWritten += rest.Length;
            }
            idsConsumed++;
        }
        return OperationStatus.Done;
    }

    private ReadOnlySpan<char> WithoutPrefix(ReadOnlySpan<char> token)
        => ContinuingSubwordPrefix is { Length: > 0 } && token.StartsWith(ContinuingSubwordPrefix, StringComparison.Ordinal) ? token[ContinuingSubwordPrefix.Length..] : token;

    private ReadOnlySpan<char> WithoutAffixes(ReadOnlySpan<char> token)
        => WithoutPrefix(EndOfWordSuffix is { Length: > 0 } && token.EndsWith(EndOfWordSuffix, StringComparison.Ordinal) ? token[..^EndOfWordSuffix.Length] : token);

    private string DecodeBytesOf(IEnumerable<int> ids, bool considerSpecialTokens)
    {
        var bytes = new List<byte>();
        foreach (int id in ids)
        {
            if (_specialOfId?.TryGetValue(id, out string special) is true)
            {
                if (considerSpecialTokens)
                    ByteAlphabet.Append(special, bytes);
            }
            else if (_tokens.TryGetValue(id, out string token))
                ByteAlphabet.Append(WithoutAffixes(token), bytes);
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    private OperationStatus DecodeBytesOf(IEnumerable<int> ids, Span<char> destination, bool considerSpecialTokens, out int idsConsumed, out int charsWritten)
    {
        (idsConsumed, charsWritten) = (0, 0);
        Span<byte> bytes = stackalloc byte[DecodeBytes]; // from the last id at which everything was whole
        Span<char> chars = stackalloc char[DecodeChars];
        int filled = 0, hanging = 0;
        foreach (int id in ids)
        {
            if (_specialOfId?.TryGetValue(id, out string special) is true)
            {
                if (considerSpecialTokens)
                {
                    if (hanging > 0)
                        return OperationStatus.InvalidData;
                    if (!special.TryCopyTo(destination[charsWritten..]))
                        return OperationStatus.DestinationTooSmall;
                    charsWritten += special.Length;
                }
                idsConsumed++;
                continue;
            }
            if (!_tokens.TryGetValue(id, out string token))
                return OperationStatus.InvalidData;
            ReadOnlySpan<char> letters = WithoutAffixes(token);
            if (filled + letters.Length > bytes.Length)
                return OperationStatus.InvalidData;
            foreach (char letter in letters)
                bytes[filled++] = ByteAlphabet.ByteOfChar[letter];
            if (!ByteAlphabet.TryWholeChars(bytes[..filled], chars, out int used, out int written))
                return OperationStatus.InvalidData;
            hanging++;
            if (used < filled)
                continue;
            if (!chars[..written].TryCopyTo(destination[charsWritten..]))
                return OperationStatus.DestinationTooSmall;
            charsWritten += written;
            idsConsumed += hanging;
            (filled, hanging) = (0, 0);
        }
        return OperationStatus.Done;
    }
}
