namespace Microsoft.ML.Trl.Templates;

/// <summary>A template's text, its newlines made one kind, and where its lines begin.</summary>
internal sealed class TemplateSource
{
    private const int MostCharacters = 1 << 22;

    private readonly List<int> _lineStarts = [0];

    /// <param name="text">As it was shipped; one newline at its end is not part of the template.</param>
    /// <param name="name">Where it comes from, for messages.</param>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    public TemplateSource(string text, string name)
    {
        if (text.Length > MostCharacters)
            throw new InvalidDataException(
                $"{name} has {text.Length} characters; at most {MostCharacters} are read. Is it a chat template? "
                + "The longest known have 20,000.");
        string unified = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        Text = unified.EndsWith('\n') ? unified[..^1] : unified;
        Name = name;
        for (int i = 0; i < Text.Length; i++)
            if (Text[i] == '\n')
                _lineStarts.Add(i + 1);
    }

    public string Text { get; }

    public string Name { get; }

    /// <summary>Line of an offset, counted from 1.</summary>
    public int LineOf(int offset)
    {
        int found = _lineStarts.BinarySearch(offset);
        return found >= 0 ? found + 1 : ~found;
    }

    /// <summary>The error for a text that is no template.</summary>
    public InvalidDataException Damaged(int offset, string what) => new($"{Place(offset)}: {what}.");

    /// <summary>The error for something that Jinja knows and this interpreter does not.</summary>
    public NotSupportedException Unsupported(int offset, string what) => new(
        $"{Place(offset)}: {what} is not supported. Supported is what chat templates use: for, if, set, macro, call, filter, with, raw, "
        + "break, continue, generation, and Jinja's other filters and tests. Rewrite the template without it.");

    private string Place(int offset)
    {
        int line = LineOf(offset);
        return $"{Name}, line {line}, column {offset - _lineStarts[line - 1] + 1}";
    }
}
