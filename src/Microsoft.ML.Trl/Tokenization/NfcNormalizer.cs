using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Unicode normalization form C (UAX #15) from our own tables: string.Normalize leaves text as it is where globalization is
/// invariant, and ids must not depend on such a setting.
/// </summary>
internal sealed class NfcNormalizer : Normalizer
{
    private const int LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7, SBase = 0xAC00, VCount = 21, TCount = 28, LCount = 19;
    private const int SCount = LCount * VCount * TCount;

    private static readonly Dictionary<int, (int First, int Second)> Decomposed = [];
    private static readonly Dictionary<(int First, int Second), int> Composed = [];
    private static readonly Dictionary<int, int> ClassOf = [];

    static NfcNormalizer()
    {
        foreach (string entry in Entries(NfcTables.Pairs))
        {
            string[] codes = entry.TrimEnd('!').Split('=', '+');
            (int whole, int first, int second) = (Code(codes[0]), Code(codes[1]), Code(codes[2]));
            Decomposed[whole] = (first, second);
            if (!entry.EndsWith('!'))
                Composed[(first, second)] = whole;
        }
        foreach (string entry in Entries(NfcTables.Singles))
            Decomposed[Code(entry.Split('=')[0])] = (Code(entry.Split('=')[1]), -1);
        foreach (string entry in Entries(NfcTables.Classes))
        {
            string[] run = entry.Split(':', '-');
            for (int code = Code(run[0]); code <= Code(run[^2]); code++)
                ClassOf[code] = int.Parse(run[^1], CultureInfo.InvariantCulture);
        }
    }

    public override string Normalize(string original)
    {
        if (original.AsSpan().IndexOfAnyInRange('\u0300', '\uFFFF') < 0)
            return original; // nothing below U+0300 decomposes to something else than itself composed
        var codes = new List<int>(original.Length);
        foreach (Rune rune in original.EnumerateRunes())
            Decompose(rune.Value, codes);
        Sort(codes);
        Compose(codes);
        var result = new StringBuilder(original.Length);
        foreach (int code in codes)
            result.Append(new Rune(code).ToString());
        return result.ToString();
    }

    public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());

    private static string[] Entries(string table) => table.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static int Code(string hexadecimal) => int.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Class(int code) => code < 0x300 ? 0 : ClassOf.GetValueOrDefault(code);

    private static void Decompose(int code, List<int> codes)
    {
        if (code >= SBase && code < SBase + SCount)
        {
            int syllable = code - SBase, trail = syllable % TCount;
            codes.Add(LBase + (syllable / (VCount * TCount)));
            codes.Add(VBase + (syllable % (VCount * TCount) / TCount));
            if (trail > 0)
                codes.Add(TBase + trail);
        }
        else if (code >= 0xC0 && Decomposed.TryGetValue(code, out (int First, int Second) parts))
        {
            Decompose(parts.First, codes);
            if (parts.Second >= 0)
                Decompose(parts.Second, codes);
        }
        else
            codes.Add(code);
    }

    private static void Sort(List<int> codes)
    {
        for (int i = 1; i < codes.Count; i++)
            for (int at = i; at > 0 && Class(codes[at]) > 0 && Class(codes[at - 1]) > Class(codes[at]); at--)
                (codes[at - 1], codes[at]) = (codes[at], codes[at - 1]);
    }

    private static void Compose(List<int> codes)
    {
        int starter = -1, kept = 0, last = -1; // last: class of the last character kept after the starter, -1 when none
        foreach (int code in codes.ToArray())
        {
            int own = Class(code);
            if (starter >= 0 && (last < own || last < 0) && TryCompose(codes[starter], code, out int whole))
            {
                codes[starter] = whole;
                continue;
            }
            (starter, last) = own == 0 ? (kept, -1) : (starter, own);
            codes[kept++] = code;
        }
        codes.RemoveRange(kept, codes.Count - kept);
    }

    private static bool TryCompose(int first, int second, out int whole)
    {
        whole = 0;
        if (first is >= LBase and < LBase + LCount && second is >= VBase and < VBase + VCount)
            whole = SBase + ((((first - LBase) * VCount) + second - VBase) * TCount);
        else if (first is >= SBase and < SBase + SCount && (first - SBase) % TCount == 0 && second is > TBase and < TBase + TCount)
            whole = first + second - TBase;
        return whole > 0 || Composed.TryGetValue((first, second), out whole);
    }
}
