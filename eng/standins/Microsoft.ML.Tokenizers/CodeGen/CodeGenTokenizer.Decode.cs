using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Tokenizers;

public partial class CodeGenTokenizer
{
    private const int DecodeRoom = 256;

    public override string Decode(IEnumerable<int> ids) => Decode(ids, hasPrefixSpace: AddPrefixSpace, considerSpecialTokens: false);

    public string Decode(IEnumerable<int> ids, bool hasPrefixSpace, bool considerSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new List<byte>();
        bool first = true;
        foreach (int id in ids)
        {
            if (IsMark(id, out string mark))
            {
                if (considerSpecialTokens)
                    ByteAlphabet.Append(mark, bytes);
                continue;
            }
            if (_specialOfId.TryGetValue(id, out string special))
                bytes.AddRange(Encoding.UTF8.GetBytes(WithoutBlank(special, ' ', first && hasPrefixSpace)));
            else if (_tokens.TryGetValue(id, out string token))
                ByteAlphabet.Append(WithoutBlank(token, ByteAlphabet.CharOfByte[' '], first && hasPrefixSpace), bytes);
            else
                continue;
            first = false;
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
        => Decode(ids, destination, hasPrefixSpace: AddPrefixSpace, considerSpecialTokens: false, out idsConsumed, out charsWritten);

    public OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, bool hasPrefixSpace, bool considerSpecialTokens, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        (idsConsumed, charsWritten) = (0, 0);
        Span<byte> bytes = stackalloc byte[DecodeRoom]; // from the last id at which everything was whole
        Span<char> chars = stackalloc char[DecodeRoom];
        int filled = 0, hanging = 0;
        bool first = true;
        foreach (int id in ids)
        {
            bool isMark = IsMark(id, out string text);
            if (isMark || _specialOfId.TryGetValue(id, out text))
            {
                if (hanging > 0)
                    return OperationStatus.InvalidData;
                text = isMark ? considerSpecialTokens ? text : "" : WithoutBlank(text, ' ', first && hasPrefixSpace);
                if (!text.TryCopyTo(destination[charsWritten..]))
                    return OperationStatus.DestinationTooSmall;
                charsWritten += text.Length;
                idsConsumed++;
                first &= isMark;
                continue;
            }
            if (!_tokens.TryGetValue(id, out string token))
                return OperationStatus.InvalidData;
            string letters = WithoutBlank(token, ByteAlphabet.CharOfByte[' '], first && hasPrefixSpace);
            first = false;
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

    private bool IsMark(int id, out string token)
    {
        token = id == BeginningOfSentenceId ? BeginningOfSentenceToken : id == EndOfSentenceId ? EndOfSentenceToken : id == UnknownTokenId ? UnknownToken : null;
        return token is not null;
    }

    private static string WithoutBlank(string token, char blank, bool remove) => remove && token.StartsWith(blank) ? token[1..] : token;
}
