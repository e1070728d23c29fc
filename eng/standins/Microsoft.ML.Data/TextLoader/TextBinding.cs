using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Finds the fields of each column; where that needs the number of fields, by looking at some lines.</summary>
internal sealed class TextBinding(IHost host, IChannel channel, TextFormat format)
{
    private int _fieldCount;

    public TextColumn[] Bind(TextLoader.Column[] columns, IMultiStreamSource sample)
    {
        Guard.Argument(columns.All(column => column.Source?.Length > 0), nameof(TextLoader.Column.Source), "Must specify some source column indices", channel);
        if (columns.Any(column => column.Source.Any(range => range.AutoEnd && range.Max is null)))
            _fieldCount = format.InputSize > 0 ? format.InputSize : CountFields(sample);
        TextLoader.Range[] others = [.. columns.SelectMany(column => column.Source).Where(range => range.AllOther)];
        Guard.Argument(others.Length < 2, nameof(TextLoader.Range.AllOther), "At most one all other range can be specified", channel);
        var bound = new TextColumn[columns.Length];
        var names = new HashSet<string>();
        for (int i = 0; i < columns.Length; i++)
        {
            Guard.Argument(!string.IsNullOrWhiteSpace(columns[i].Name), nameof(TextLoader.Column.Name), "Name cannot be null or white space", channel);
            if (!names.Add(columns[i].Name.Trim()) && names.Count == i)
                channel.Info(MessageSensitivity.Unknown, "Duplicate name(s) specified - later columns will hide earlier ones");
            bound[i] = new TextColumn(columns[i].Name.Trim(), columns[i].ItemType, SegmentsOf(columns[i], columns));
        }
        return bound;
    }

    private Segment[] SegmentsOf(TextLoader.Column column, TextLoader.Column[] all)
    {
        if (!column.Source.Any(range => range.AllOther))
            return [.. column.Source.Select(SegmentOf)];
        Segment[] taken = [.. all.SelectMany(other => other.Source).Where(range => !range.AllOther).Select(SegmentOf).OrderBy(segment => segment.Min)];
        Segment[] segments = [.. column.Source.SelectMany(range => range.AllOther ? Rest(SegmentOf(range), taken) : [SegmentOf(range)])];
        Guard.Argument(segments.Length > 0, nameof(TextLoader.Range.AllOther), "No index is selected as all other indexes.", channel);
        return segments;
    }

    private static List<Segment> Rest(Segment whole, Segment[] taken)
    {
        var rest = new List<Segment>();
        int min = whole.Min;
        foreach (Segment segment in taken.TakeWhile(_ => min < whole.Limit))
        {
            if (min < segment.Min)
                rest.Add(new Segment(min, Math.Min(segment.Min, whole.Limit), ForceVector: true));
            min = Math.Max(min, segment.Limit);
        }
        if (min < whole.Limit)
            rest.Add(new Segment(min, whole.Limit, ForceVector: true));
        return rest;
    }

    private Segment SegmentOf(TextLoader.Range range)
    {
        Guard.Argument(range.Min is >= 0 and < Segment.EndOfLine - 1, nameof(range.Min), context: channel);
        if (range.Max is int max)
        {
            Guard.Argument(range.Min <= max && max < Segment.EndOfLine - 1, nameof(range.Max), context: channel);
            return new Segment(range.Min, max + 1, range.ForceVector);
        }
        if (range.AutoEnd)
        {
            Guard.Argument(range.Min < _fieldCount, nameof(range.Min), $"Column #{range.Min} not found in the dataset (it only has {_fieldCount} columns)", channel);
            return new Segment(range.Min, _fieldCount, ForceVector: true);
        }
        return range.VariableEnd ? new Segment(range.Min, Segment.EndOfLine, ForceVector: true) : new Segment(range.Min, range.Min + 1, range.ForceVector);
    }

    private int CountFields(IMultiStreamSource sample)
    {
        using var log = new TextLog(host, shown: 0);
        var fields = new TextFields(format, log);
        var counts = new HashSet<int>();
        foreach ((_, _, string text) in TextLines.Of(sample, format, skipsHeader: false, most: 100))
        {
            if (format.TrimsLineEnd && string.IsNullOrWhiteSpace(text))
                continue;
            fields.Split(text.AsMemory(), int.MaxValue);
            if (fields.Count > 0)
                counts.Add(fields.Count);
        }
        Guard.Argument(counts.Count > 0, nameof(TextLoader.Column.Source), "Can't determine the number of source columns without valid data", channel);
        Guard.Argument(counts.Count == 1, nameof(TextLoader.Column.Source), "The size of input lines is not consistent", channel);
        return Math.Min(counts.Single(), Segment.EndOfLine - 1);
    }
}
