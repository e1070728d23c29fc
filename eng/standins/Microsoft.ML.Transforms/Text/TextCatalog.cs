using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML;

public static class TextCatalog
{
    public static TextNormalizingEstimator NormalizeText(this TransformsCatalog.TextTransforms catalog, string outputColumnName, string inputColumnName = null,
        TextNormalizingEstimator.CaseMode caseMode = TextNormalizingEstimator.CaseMode.Lower, bool keepDiacritics = false, bool keepPunctuations = true, bool keepNumbers = true)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new TextNormalizingEstimator(catalog.Environment, (outputColumnName, inputColumnName ?? outputColumnName),
            new TextNormalizer(caseMode, keepDiacritics, keepPunctuations, keepNumbers));
    }

    public static WordTokenizingEstimator TokenizeIntoWords(this TransformsCatalog.TextTransforms catalog, string outputColumnName, string inputColumnName = null,
        char[] separators = null)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new WordTokenizingEstimator(catalog.Environment, (outputColumnName, inputColumnName ?? outputColumnName), separators ?? [' ']);
    }
}
