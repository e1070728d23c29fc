namespace Microsoft.ML.Data;

/// <summary>The lines of files that hold rows: without comments, empty lines and headers.</summary>
internal static class TextLines
{
    public static IEnumerable<(string Path, long Number, string Text)> Of(IMultiStreamSource files, TextFormat format, bool skipsHeader, long most)
    {
        long given = 0;
        for (int i = 0; i < files.Count && given < most; i++)
        {
            string path = files.GetPathOrNull(i);
            using TextReader reader = Open(files, i);
            bool isStart = true;
            long number = 0;
            for (string text = Next(); text is not null && given < most; text = Next())
            {
                number++;
                // Lines with # are comments before the first row only.
                if (text.Length == 0 || text.StartsWith("//", StringComparison.Ordinal) || (isStart && text[0] == '#'))
                    continue;
                bool isHeader = isStart && skipsHeader;
                isStart = false;
                if (isHeader)
                    continue;
                given++;
                yield return (path, number, text);
            }

            string Next() => format.AllowsLineBreaks ? Joined(reader, format, number, isStart) : Line(reader);
        }
    }

    /// <summary>The comments that describe the file, or an empty text.</summary>
    public static string Description(IMultiStreamSource files)
    {
        if (files.Count == 0)
            return "";
        var parts = new List<string>();
        using TextReader reader = files.OpenTextReader(0);
        for (string text = reader.ReadLine(); text is not null; text = reader.ReadLine())
        {
            if (text.Length == 0 || text.StartsWith("//", StringComparison.Ordinal))
                continue;
            if (text[0] != '#')
                break;
            if (text.Length > 2 && text[1] == '@')
                parts.Add(text[2..].Trim());
        }
        return string.Join(' ', parts);
    }

    private static TextReader Open(IMultiStreamSource files, int index)
    {
        try
        {
            return files.OpenTextReader(index);
        }
        catch (Exception exception)
        {
            throw Fail.Decode("Stream reading encountered exception", exception);
        }
    }

    private static string Line(TextReader reader)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (IOException exception)
        {
            throw Fail.Decode("Stream reading encountered exception", exception);
        }
    }

    /// <summary>A line with those that follow while a quoted field is open.</summary>
    private static string Joined(TextReader reader, TextFormat format, long number, bool skipsHashes)
    {
        string text = Line(reader);
        if (string.IsNullOrEmpty(text) || text.StartsWith("//", StringComparison.Ordinal) || (skipsHashes && text[0] == '#') || !EndsOpen(text, format, isOpen: false))
            return text;
        var lines = new List<string> { text };
        do
        {
            string line = Line(reader);
            if (line is null)
            {
                throw Fail.Decode("Stream reading encountered exception", new EndOfStreamException(
                    $"A quoted field opened on line {number} was never closed, and we've read to the last line in the file without finding the closing quote"));
            }
            lines.Add(line);
        }
        while (EndsOpen(lines[^1], format, isOpen: true));
        return string.Join('\n', lines);
    }

    /// <summary>Whether the line ends within quotes. Quotes open a field at its start only.</summary>
    private static bool EndsOpen(string line, TextFormat format, bool isOpen)
    {
        bool separatesAtSpaces = format.Separators.Contains(' ');
        int i = 0;
        while (i < line.Length)
        {
            if (!isOpen)
            {
                while (!separatesAtSpaces && i < line.Length && line[i] == ' ')
                    i++;
                isOpen = i < line.Length && line[i] == '"';
                i += isOpen ? 1 : 0;
            }
            while (isOpen && i < line.Length)
            {
                bool isEscape = line[i] == format.EscapeChar && (format.EscapeChar != '"' || (i + 1 < line.Length && line[i + 1] == '"'));
                isOpen = isEscape || line[i] != '"';
                i += isEscape ? 2 : 1;
            }
            if (isOpen)
                return true;
            while (i < line.Length && !format.Separators.Contains(line[i]))
                i++;
            i++;
        }
        return isOpen;
    }
}
