using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>How lines are split and values are read.</summary>
internal sealed class TextFormat
{
    private const int Trims = 0x01;
    private const int Header = 0x02;
    private const int Quotes = 0x04;
    private const int Sparse = 0x08;
    private const int Multilines = 0x10;
    private const int EmptyIsNaN = 0x20;

    public TextFormat(IHost host, TextLoader.Options options, bool hasHeaderFile)
    {
        Flags = (options.TrimWhitespace ? Trims : 0) | (options.HasHeader && !hasHeaderFile ? Header : 0) | (options.AllowQuoting ? Quotes : 0) | (options.AllowSparse ? Sparse : 0)
            | (options.AllowQuoting && options.ReadMultilines ? Multilines : 0) | (options.MissingRealsAsNaNs ? EmptyIsNaN : 0);
        MaxRows = options.MaxRows ?? long.MaxValue;
        Guard.Argument(MaxRows >= 0, nameof(options.MaxRows), context: host);
        InputSize = Math.Min(options.InputSize ?? 0, Segment.EndOfLine - 1);
        Guard.That(InputSize >= 0, "inputSize", host);
        Separators = [.. options.Separators.Select(separator => Checked(separator, host)).Distinct()];
        Guard.Argument(options.DecimalMarker is '.' or ',', nameof(options.DecimalMarker),
            $"Decimal marker cannot be the '{options.DecimalMarker}' character. It must be '.' or ','.", host);
        Guard.Argument(options.AllowQuoting || options.DecimalMarker != ',' || !Separators.Contains(','), nameof(options.AllowQuoting),
            "Quoting must be allowed if decimal marker and separator are the ',' character.", host);
        DecimalMarker = options.DecimalMarker;
        EscapeChar = options.EscapeChar;
        Guard.Argument(!Separators.Contains(EscapeChar), nameof(options.EscapeChar), $"EscapeChar '{EscapeChar}' can't be used both as EscapeChar and separator", host);
    }

    public TextFormat(IHost host, ModelLoadContext ctx)
    {
        BinaryReader reader = ctx.Reader;
        Guard.Decoded(reader.ReadInt32() == sizeof(float), context: host);
        MaxRows = reader.ReadInt64();
        Guard.Decoded(MaxRows > 0, context: host);
        Flags = reader.ReadInt32();
        Guard.Decoded((Flags & ~(Trims | Header | Quotes | Sparse | Multilines | EmptyIsNaN)) == 0, context: host);
        InputSize = reader.ReadInt32();
        Guard.Decoded(InputSize is >= 0 and < Segment.EndOfLine, context: host);
        Separators = new char[reader.ReadInt32()];
        for (int i = 0; i < Separators.Length; i++)
            Separators[i] = (char)reader.ReadUInt16();
        Guard.Decoded(Separators.Length > 0 && Separators.AsSpan().IndexOfAny("\0\r\n\"0123456789") < 0 && !(AllowsSparse && Separators.Contains(':')), context: host);
        EscapeChar = reader.ReadChar();
        DecimalMarker = reader.ReadChar();
        Guard.Decoded(DecimalMarker is '.' or ',' && !Separators.Contains(EscapeChar), context: host);
    }

    public int Flags { get; }

    public long MaxRows { get; }

    /// <summary>Number of fields per line, or 0 when it is not known.</summary>
    public int InputSize { get; }

    public char[] Separators { get; }

    public char DecimalMarker { get; }

    public char EscapeChar { get; }

    public bool TrimsLineEnd => (Flags & Trims) != 0;

    public bool HasHeader => (Flags & Header) != 0;

    public bool AllowsQuotes => (Flags & Quotes) != 0;

    public bool AllowsSparse => (Flags & Sparse) != 0;

    public bool AllowsLineBreaks => (Flags & Multilines) != 0;

    public bool EmptyRealIsMissing => (Flags & EmptyIsNaN) != 0;

    public RealFormat Reals => new(DecimalMarker, EmptyRealIsMissing);

    public void Save(ModelSaveContext ctx)
    {
        ctx.Writer.Write(sizeof(float));
        ctx.Writer.Write(MaxRows);
        ctx.Writer.Write(Flags);
        ctx.Writer.Write(InputSize);
        ctx.Writer.Write(Separators.Length);
        foreach (char separator in Separators)
            ctx.Writer.Write((short)separator);
        ctx.Writer.Write(EscapeChar);
        ctx.Writer.Write(DecimalMarker);
    }

    private char Checked(char separator, IHost host)
    {
        Guard.Argument(separator == '\t' || (separator >= ' ' && !char.IsAsciiDigit(separator) && separator != '"'), "Separator", $"Illegal separator: '{separator}'", host);
        Guard.Argument(separator != ':' || !AllowsSparse, "Separator", "When the separator is colon, turn off allowSparse", host);
        return separator;
    }
}
