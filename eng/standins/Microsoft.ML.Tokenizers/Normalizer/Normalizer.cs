namespace Microsoft.ML.Tokenizers;

public abstract class Normalizer
{
    protected Normalizer()
    {
    }

    public abstract string Normalize(string original);

    public abstract string Normalize(ReadOnlySpan<char> original);
}
