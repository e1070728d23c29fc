using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: Microsoft.ML.LoadableClass("Loads text data file.", typeof(TextLoader), typeof(TextLoader), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Text Loader", TextLoader.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Reads text files whose lines are rows.</summary>
public sealed partial class TextLoader : IDataLoader<IMultiStreamSource>
{
    internal const string LoaderSignature = "TextLoader";

    private const string HeaderStream = "Header.txt";

    private readonly IHost _host;
    private readonly TextColumn[] _columns;
    private readonly DataViewSchema _schema;
    private readonly string _header;

    internal TextLoader(IHostEnvironment env, Options options = null, IMultiStreamSource dataSample = null)
    {
        options ??= new Options();
        _host = env.Register(LoaderSignature);
        IMultiStreamSource sample = dataSample ?? new MultiFileSource(null);
        IMultiStreamSource headerFile = string.IsNullOrWhiteSpace(options.HeaderFile) ? null : new MultiFileSource(options.HeaderFile);
        Column[] columns = options.Columns;
        if (columns is null || columns.Length == 0)
            columns = TextDescription.Find(_host, headerFile ?? sample, ref options) ?? [new Column("Label", DataKind.Single, 0), new Column("Features", DataKind.Single, [new Range(1, null)])];
        Format = new TextFormat(_host, options, headerFile is not null);
        using IChannel channel = _host.Start("Binding");
        _columns = new TextBinding(_host, channel, Format).Bind(columns, sample);
        if (headerFile is not null || Format.HasHeader)
            _header = TextLines.Of(headerFile ?? sample, Format, skipsHeader: false, most: 1).FirstOrDefault().Text;
        _schema = MakeSchema();
    }

    private TextLoader(IHost host, ModelLoadContext ctx)
    {
        _host = host;
        Format = new TextFormat(host, ctx);
        _columns = new TextColumn[ctx.Reader.ReadInt32()];
        Guard.Decoded(_columns.Length > 0, context: host);
        for (int i = 0; i < _columns.Length; i++)
            _columns[i] = LoadColumn(ctx);
        string header = null;
        ctx.TryLoadTextStream(HeaderStream, reader => header = reader.ReadLine());
        _header = header;
        _schema = MakeSchema();
    }

    internal IHost Host => _host;

    internal TextFormat Format { get; }

    internal IReadOnlyList<TextColumn> Columns => _columns;

    private static VersionInfo Version { get; } =
        new("TXTLOADR", 0x0001000E, 0x0001000A, 0x0001000D, typeof(TextLoader).Assembly.FullName, LoaderSignature);

    public DataViewSchema GetOutputSchema() => _schema;

    public IDataView Load(IMultiStreamSource source)
    {
        Guard.NotNull(source, nameof(source), _host);
        // As many components as the real loader makes: random numbers of later ones depend on it.
        _host.Register("BoundLoader");
        return new TextView(this, source);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        Format.Save(ctx);
        ctx.Writer.Write(_columns.Length);
        foreach (TextColumn column in _columns)
            SaveColumn(ctx, column);
        if (!string.IsNullOrEmpty(_header))
            ctx.SaveTextStream(HeaderStream, writer => writer.WriteLine(_header));
    }

    private static TextLoader Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        IHost host = env.Register(LoaderSignature);
        ctx.CheckAtModel(Version);
        return new TextLoader(host, ctx);
    }

    private static void SaveColumn(ModelSaveContext ctx, TextColumn column)
    {
        ctx.SaveNonEmptyString(column.Name);
        ctx.Writer.Write((byte)TextKinds.OrNull(column.ItemType.RawType).Value);
        var key = column.ItemType as KeyDataViewType;
        ctx.Writer.Write(key is not null);
        if (key is not null)
            ctx.Writer.Write(key.Count);
        ctx.Writer.Write(column.Segments.Length);
        foreach (Segment segment in column.Segments)
        {
            ctx.Writer.Write(segment.Min);
            ctx.Writer.Write(segment.Limit);
            ctx.Writer.Write(segment.ForceVector);
        }
    }

    private static TextColumn LoadColumn(ModelLoadContext ctx)
    {
        string name = ctx.LoadNonEmptyString();
        var kind = (DataKind)ctx.Reader.ReadByte();
        Guard.Decoded(Enum.IsDefined(kind));
        PrimitiveDataViewType itemType = BuiltInTypes.Of(kind);
        if (ctx.Reader.ReadBoolean())
            itemType = new KeyDataViewType(itemType.RawType, ctx.Reader.ReadUInt64());
        var segments = new Segment[ctx.Reader.ReadInt32()];
        Guard.Decoded(segments.Length > 0);
        for (int i = 0; i < segments.Length; i++)
        {
            int min = ctx.Reader.ReadInt32();
            int limit = ctx.Reader.ReadInt32();
            Guard.Decoded(min >= 0 && min < limit);
            segments[i] = new Segment(min, limit, ctx.Reader.ReadBoolean());
        }
        return new TextColumn(name, itemType, segments, isFromFile: true);
    }

    /// <summary>The header names the slots of vectors; columns have their names from the options alone.</summary>
    private DataViewSchema MakeSchema()
    {
        var builder = new DataViewSchema.Builder();
        using var log = new TextLog(_host, shown: 0);
        var header = new TextFields(Format, log);
        header.Split((_header ?? "").AsMemory(), int.MaxValue);
        foreach (TextColumn column in _columns)
        {
            ReadOnlyMemory<char>[] names = column.Type is VectorDataViewType { IsKnownSize: true }
                ? [.. column.Segments.SelectMany(segment => Enumerable.Range(segment.Min, segment.Limit - segment.Min)).Select(index => (header.TextOf(index) ?? default).Trim())]
                : [];
            var annotations = new DataViewSchema.Annotations.Builder();
            if (names.Any(name => !name.IsEmpty))
            {
                annotations.Add(AnnotationKinds.SlotNames, new VectorDataViewType(TextDataViewType.Instance, names.Length),
                    (ref VBuffer<ReadOnlyMemory<char>> value) => SparseVectors.Set(ref value, names));
            }
            builder.AddColumn(column.Name, column.Type, annotations.ToAnnotations());
        }
        return builder.ToSchema();
    }
}
