using System.Text;
using CaseMode = Microsoft.ML.Transforms.Text.TextNormalizingEstimator.CaseMode;

namespace Microsoft.ML.Transforms.Text;

/// <summary>Changes the case of letters and takes out marks, punctuation or digits.</summary>
internal sealed record TextNormalizer(CaseMode Case, bool KeepsDiacritics, bool KeepsPunctuation, bool KeepsNumbers)
{
    // Letters of the Latin, Greek and Cyrillic scripts that Unicode takes apart into a letter and marks, and those letters.
    private const string Marked =
        "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵ"
        + "ĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžƠơƯưǍǎǏǐǑǒǓǔǕǖǗǘǙǚǛǜǞǟǠǡǢǣǦǧǨǩǪǫǬǭǮǯǰǴǵ"
        + "ǸǹǺǻǼǽǾǿȀȁȂȃȄȅȆȇȈȉȊȋȌȍȎȏȐȑȒȓȔȕȖȗȘșȚțȞȟȦȧȨȩȪȫȬȭȮȯȰȱȲȳΆΈΉΊΌΎΏΐΪΫάέήίΰϊϋόύώϓϔЀЁЃЇЌЍЎЙйѐёѓїќѝўѶѷӁӂӐӑӒӓӖӗ"
        + "ӚӛӜӝӞӟӢӣӤӥӦӧӪӫӬӭӮӯӰӱӲӳӴӵӸӹ";

    private const string Plain =
        "AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIiIiIiIJj"
        + "KkLlLlLlNnNnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZzOoUuAaIiOoUuUuUuUuUuAaAaÆæGgKkOoOoƷʒjGg"
        + "NnAaÆæØøAaAaEeEeIiIiOoOoRrRrUuUuSsTtHhAaEeOoOoOoOoYyΑΕΗΙΟΥΩιΙΥαεηιυιυουωϒϒЕЕГІКИУИиеегікиуѴѵЖжАаАаЕе"
        + "ӘәЖжЗзИиИиОоӨөЭэУуУуУуЧчЫы";

    private static readonly Dictionary<char, char> PlainOf = Marked.Zip(Plain).ToDictionary(pair => pair.First, pair => pair.Second);

    public ReadOnlyMemory<char> Apply(ReadOnlyMemory<char> text)
    {
        var result = new StringBuilder(text.Length);
        foreach (char character in text.Span)
        {
            bool isLeftOut = (!KeepsPunctuation && char.IsPunctuation(character)) || (!KeepsNumbers && char.IsNumber(character)) || (!KeepsDiacritics && IsMark(character));
            if (isLeftOut)
                continue;
            char letter = KeepsDiacritics ? character : PlainOf.GetValueOrDefault(character, character);
            result.Append(Case switch
            {
                CaseMode.Lower => char.ToLowerInvariant(letter),
                CaseMode.Upper => char.ToUpperInvariant(letter),
                _ => letter,
            });
        }
        return result.ToString().AsMemory();
    }

    /// <summary>Marks that stand behind a letter: Latin, Greek and Cyrillic, then Hebrew, then Arabic.</summary>
    private static bool IsMark(char character) => (int)character is
        (>= 0x0300 and <= 0x036F)
        or (>= 0x0591 and <= 0x05BD) or 0x05C1 or 0x05C2 or 0x05C4 or 0x05C5 or 0x05C7
        or (>= 0x0610 and <= 0x0615) or (>= 0x064C and <= 0x065E) or 0x0670;
}
