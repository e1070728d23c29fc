namespace Microsoft.ML.Trl.Datasets;

/// <summary>Data sets one behind the other, each with its share: TRL's <c>get_dataset</c>.</summary>
internal static class DatasetMixture
{
    /// <summary>A view over all parts.</summary>
    /// <param name="parts">In their order.</param>
    /// <param name="seed">Which rows of each are taken where parts have shares; null = the first.</param>
    /// <exception cref="ArgumentException">The parts do not fit together; the message says why.</exception>
    /// <exception cref="FileNotFoundException">A path means no file.</exception>
    /// <exception cref="InvalidDataException">A row is damaged; the message says where.</exception>
    public static DatasetView Of(IReadOnlyList<DatasetPart> parts, int? seed)
    {
        if (parts.Count == 0 || parts.Contains(null!))
            throw new ArgumentException("parts is empty, or has a null; name at least one data set.", nameof(parts));
        DatasetSource[] sources = [.. parts.Select(part => part.Validated())
            .Select(part => new DatasetSource(DatasetFiles.Find([part.Path], part.Options.Split), part.Options))];
        DatasetColumn[][] columns = [.. parts.Zip(sources, (part, source) =>
            DatasetSchema.Infer(source.Rows(), part.Options.SchemaRows, part.Path))];
        DatasetColumn[] common = Common(parts, columns);
        long[][]? counts = Counts(parts, sources);
        return new DatasetView(common, Rows);

        IEnumerable<LocatedRow> Rows() => sources.SelectMany((source, i) => counts is null ? source.Rows()
            : seed is { } given ? Sample(source.Rows(), counts[i], new Random(unchecked((given * 31) + i)))
            : source.Rows().Take((int)counts[i][1]));
    }

    private static DatasetColumn[] Common(IReadOnlyList<DatasetPart> parts, DatasetColumn[][] columns)
    {
        Dictionary<string, ColumnKind> common = columns[0].ToDictionary(column => column.Name, column => column.Kind);
        for (int i = 1; i < columns.Length; i++)
        {
            string[] names = [.. columns[i].Select(column => column.Name)];
            if (!common.Keys.ToHashSet().SetEquals(names))
                throw new ArgumentException(
                    $"{parts[0].Path} has the columns {string.Join(", ", common.Keys)}, and {parts[i].Path} has "
                    + $"{string.Join(", ", names)}; all parts of a mixture need the same. Select them with Columns, or rename them.");
            foreach (DatasetColumn column in columns[i])
                common[column.Name] = DatasetColumn.Merge(common[column.Name], column.Kind) ?? throw new ArgumentException(
                    $"The column '{column.Name}' is {common[column.Name]} in {parts[0].Path}, and {column.Kind} in {parts[i].Path}; leave "
                    + "it out with Columns.");
        }
        return [.. common.Select(pair => new DatasetColumn(pair.Key, pair.Value))];
    }

    /// <summary>Rows of each part, and how many of them are taken; null where all are.</summary>
    private static long[][]? Counts(IReadOnlyList<DatasetPart> parts, DatasetSource[] sources)
    {
        if (parts.All(part => part.Fraction is null))
            return null;
        if (parts.FirstOrDefault(part => part.Fraction is null) is { } without)
            throw new ArgumentException($"{without.Path} has no Fraction, and others have; give all parts of a mixture one, or none.");
        double sum = parts.Sum(part => part.Fraction!.Value);
        if (!(sum > 0))
            throw new ArgumentException("The Fractions are all 0; at least one must be greater.");
        double[] weights = [.. parts.Select(part => part.Fraction!.Value / sum)];
        long[] rows = [.. sources.Select(source => source.Rows().LongCount())];
        double total = Enumerable.Range(0, rows.Length).Where(i => weights[i] > 0).Min(i => rows[i] / weights[i]);
        return [.. rows.Select((count, i) => new[] { count, (long)Math.Round(weights[i] * total) })];
    }

    /// <summary>So many of the rows as are wanted, in their order, each choice equally likely (Knuth's algorithm S).</summary>
    private static IEnumerable<LocatedRow> Sample(IEnumerable<LocatedRow> rows, long[] counts, Random random)
    {
        (long left, long wanted) = (counts[0], counts[1]);
        foreach (LocatedRow row in rows)
        {
            if (wanted == 0)
                yield break;
            if (random.NextDouble() * left-- < wanted)
            {
                wanted--;
                yield return row;
            }
        }
    }
}
