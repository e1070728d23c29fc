namespace Microsoft.ML;

/// <summary>Strings of one model block, each stored once, named by its position.</summary>
internal sealed class StringPool
{
    private readonly Dictionary<string, int> _positions = new(StringComparer.Ordinal);
    private readonly List<string> _strings = [];

    public IReadOnlyList<string> Strings => _strings;

    public int Add(string text)
    {
        text ??= "";
        if (!_positions.TryGetValue(text, out int position))
        {
            position = _strings.Count;
            _positions.Add(text, position);
            _strings.Add(text);
        }
        return position;
    }
}
