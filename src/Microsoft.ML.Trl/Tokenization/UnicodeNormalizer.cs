using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>A Unicode normalization form (UAX #15) by string.Normalize, for texts that it refuses too.</summary>
internal sealed class UnicodeNormalizer(NormalizationForm form) : Normalizer
{
    private const char Refused = '\uFFFE'; // string.Normalize throws at it; nothing composes with it

    /// <summary>Checks that this process can normalize text at all: without ICU, string.Normalize hands back what it is given.</summary>
    /// <param name="source">The tokenizer that needs it, for the message.</param>
    /// <param name="normalize">What string.Normalize does here.</param>
    /// <exception cref="PlatformNotSupportedException">It does not compose characters.</exception>
    public static void CheckSupport(string source, Func<string, string> normalize)
    {
        Exception? cause = null;
        try
        {
            if (normalize("e\u0301") == "\u00E9")
                return;
        }
        catch (Exception e) when (e is NotSupportedException or TypeInitializationException or TypeLoadException or ArgumentException)
        {
            cause = e;
        }
        throw new PlatformNotSupportedException(
            $"{source} asks for Unicode normalization (NFC), which this process cannot do: it runs without ICU, in globalization-invariant "
            + "mode. Install the ICU library (libicu; on Alpine icu-libs and icu-data-full), set InvariantGlobalization to false in the "
            + "project, and do not set DOTNET_SYSTEM_GLOBALIZATION_INVARIANT.",
            cause);
    }

    public override string Normalize(string original)
    {
        string text = WithoutLoneSurrogates(original);
        return text.Contains(Refused)
            ? string.Join(Refused, text.Split(Refused).Select(part => part.Normalize(form)))
            : text.Normalize(form);
    }

    public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());

    /// <summary>A lone surrogate is no character: it is read as U+FFFD.</summary>
    public static string WithoutLoneSurrogates(string text)
        => text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0 ? text : string.Concat(text.EnumerateRunes());
}
