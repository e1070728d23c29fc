namespace Microsoft.ML.Tokenizers;

/// <summary>merges.txt: two tokens and one blank per line; empty lines and "#version" lines say nothing.</summary>
internal static class MergesFile
{
    public static List<(string Left, string Right)> Read(Stream stream, Func<int, string> complaint)
    {
        var merges = new List<(string, string)>();
        if (stream is null)
            return merges;
        var reader = new StreamReader(stream); // not disposed: the stream is the caller's
        int number = 0;
        while (reader.ReadLine() is string line)
        {
            number++;
            if (line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal))
                merges.Add(Pair(line) ?? throw new InvalidOperationException(complaint(number)));
        }
        return merges;
    }

    public static (string Left, string Right)? Pair(string line)
    {
        int blank = line.IndexOf(' ');
        bool fine = blank >= 0 && blank < line.Length - 1 && line.IndexOf(' ', blank + 1) < 0;
        return fine ? (line[..blank], line[(blank + 1)..]) : null;
    }
}
