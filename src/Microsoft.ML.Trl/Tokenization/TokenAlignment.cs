using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Finds the tokens of stretches of a text, as <c>char_to_token</c> of Hugging Face's tokenizers does.</summary>
internal static class TokenAlignment
{
    /// <summary>
    /// Which tokens belong to stretches: from the token with the first byte of the first character to the one with the first byte of the
    /// last.
    /// </summary>
    /// <param name="tokens">What every id stands for.</param>
    /// <param name="normalize">What the tokenizer does to a text first.</param>
    /// <param name="text">The text.</param>
    /// <param name="ids">Its tokens.</param>
    /// <param name="spans">Stretches of the text, in UTF-16 units.</param>
    /// <exception cref="NotSupportedException">The tokens do not spell the text.</exception>
    public static bool[] Covered(
        TokenTable tokens, Func<string, string> normalize, string text, int[] ids, IReadOnlyList<ChatSpan> spans)
    {
        int[] owners = Owners(tokens, Encoding.UTF8.GetBytes(normalize(text)), ids);
        var covered = new bool[ids.Length];
        foreach (ChatSpan span in spans)
        {
            if (span.End <= span.Start)
                continue;
            int last = span.End - (char.IsLowSurrogate(text[span.End - 1]) && span.End - 2 >= span.Start ? 2 : 1);
            int from = owners[Place(span.Start)], to = owners[Place(last)];
            for (int token = from; token <= to; token++)
                covered[token] = true;
        }
        return covered;

        int Place(int offset) => Math.Min(Encoding.UTF8.GetByteCount(normalize(text[..offset])), owners.Length - 1);
    }

    // For each byte of the text its token. A tokenizer may put in a blank (before a word) or leave white space out (around added tokens).
    private static int[] Owners(TokenTable tokens, byte[] text, int[] ids)
    {
        var owners = new int[text.Length];
        int at = 0;
        for (int token = 0; token < ids.Length; token++)
            foreach (byte part in tokens.Spelled(ids[token]))
            {
                int next = at;
                while (next < text.Length && text[next] != part && IsSpace(text[next]))
                    next++;
                if (next < text.Length && text[next] == part)
                {
                    owners.AsSpan(at, next + 1 - at).Fill(token);
                    at = next + 1;
                }
                else if (part != ' ')
                {
                    throw Mismatch();
                }
            }
        if (text.AsSpan(at).ContainsAnyExcept(" \t\r\n"u8))
            throw Mismatch();
        owners.AsSpan(at).Fill(Math.Max(ids.Length - 1, 0));
        return owners;
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';

    private static NotSupportedException Mismatch() => new(
        "The tokens of this tokenizer do not spell the text, so it cannot be said which of them the assistant says. "
        + "Set AssistantOnlyLoss to false, or use another tokenizer.");
}
