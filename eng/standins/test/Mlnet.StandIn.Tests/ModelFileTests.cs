using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;
using ThirdParty;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class ModelFileTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static EchoTransformer Echo(string output = "Completion", int weights = 100_000) =>
        new("Prompt", output, [.. Enumerable.Range(0, weights).Select(i => (byte)(i * 31))], "saved");

    private MemoryStream Saved(ITransformer model)
    {
        var stream = new MemoryStream();
        _ml.Model.Save(model, _ml.View().Schema, stream);
        stream.Position = 0;
        return stream;
    }

    [TestMethod]
    public void A_foreign_transformer_loads_by_itself_in_a_fresh_context()
    {
        var chain = new TransformerChain<ITransformer>(Echo("A"), Echo("B"));
        ITransformer loaded = new MLContext().Model.Load(Saved(chain), out DataViewSchema schema);
        EchoTransformer[] members = [.. ((TransformerChain<ITransformer>)loaded).Cast<EchoTransformer>()];
        CollectionAssert.AreEqual(Echo().Weights, members[1].Weights);
        CollectionAssert.AreEqual(new[] { "Prompt", "Number" }, schema.Select(column => column.Name).ToArray());
        Assert.AreEqual("PROMPT 4", loaded.Transform(_ml.View()).Texts("B")[4]);
        Assert.AreEqual("saved", EchoTransformer.HandleOf(loaded.Transform(_ml.View()).Schema).Name);
    }

    [TestMethod]
    public void A_loaded_model_can_be_saved_again()
    {
        ITransformer once = _ml.Model.Load(Saved(Echo()), out _);
        ITransformer twice = _ml.Model.Load(Saved(once), out _);
        CollectionAssert.AreEqual(Echo().Weights, ((EchoTransformer)twice).Weights);
    }

    [TestMethod]
    public void The_zip_has_the_layout_of_ml_net()
    {
        using var zip = new ZipArchive(Saved(new TransformerChain<ITransformer>(Echo("A"), Echo("B"))));
        CollectionAssert.AreEquivalent(
            new[]
            {
                "TrainingInfo/Version.txt", "TransformerChain/Model.key", "TransformerChain/Transform_000/Model.key", "TransformerChain/Transform_000/config.json",
                "TransformerChain/Transform_000/weights.bin", "TransformerChain/Transform_001/Model.key", "TransformerChain/Transform_001/config.json",
                "TransformerChain/Transform_001/weights.bin", "Schema",
            },
            zip.Entries.Select(entry => entry.FullName).ToArray());
    }

    [TestMethod]
    public void A_model_header_has_signature_versions_loader_and_assembly_where_ml_net_has_them()
    {
        using var zip = new ZipArchive(Saved(Echo()));
        using Stream stream = zip.GetEntry("TransformerChain/Model.key").Open();
        using var reader = new BinaryReader(stream);
        byte[] bytes = reader.ReadBytes(4096);
        Assert.AreEqual("ML\0MODEL", System.Text.Encoding.ASCII.GetString(bytes, 0, 8));
        Assert.AreEqual("TEST\0ECH", System.Text.Encoding.ASCII.GetString(bytes, 0x40, 8));
        Assert.AreEqual(0x00010001u, BitConverter.ToUInt32(bytes, 0x48));
        Assert.AreEqual(EchoTransformer.LoaderName, System.Text.Encoding.ASCII.GetString(bytes, 0x50, 24).TrimEnd('\0'));
        int name = (int)BitConverter.ToInt64(bytes, 0x90);
        Assert.AreEqual("Mlnet.StandIn.ThirdParty", System.Text.Encoding.Unicode.GetString(bytes, name, BitConverter.ToInt32(bytes, 0x98)));
    }

    [TestMethod]
    public void Registering_the_loader_by_hand_does_no_harm()
    {
        var ml = new MLContext();
        ml.ComponentCatalog.RegisterAssembly(typeof(EchoTransformer).Assembly);
        ml.ComponentCatalog.RegisterAssembly(typeof(EchoTransformer).Assembly);
        Assert.IsInstanceOfType<EchoTransformer>(ml.Model.Load(Saved(Echo()), out _));
    }

    [TestMethod]
    public void An_unknown_loader_name_says_which_folder_could_not_be_loaded()
    {
        EchoTransformer unknown = Echo();
        unknown.SavedLoader = "NobodyHasThis";
        Exception exception = Assert.Throws<Exception>(() => _ml.Model.Load(Saved(new TransformerChain<ITransformer>(Echo("A"), unknown)), out _));
        CollectionAssert.AreEqual(
            new[]
            {
                "InvalidOperationException: Error during class instantiation",
                "TargetInvocationException: Exception has been thrown by the target of an invocation.",
                "FormatException: Couldn't load model: 'TransformerChain/Transform_001'",
            },
            Support.Chain(exception));
    }

    [TestMethod]
    public void An_exception_from_a_loader_is_wrapped_once_per_level_of_chains()
    {
        EchoTransformer failing = Echo();
        failing.SavedLoader = "StandInTestFails";
        string bare = "NotSupportedException: no weights today";
        string wrap = "TargetInvocationException: Exception has been thrown by the target of an invocation.";
        CollectionAssert.AreEqual(new[] { wrap, bare }, Support.Chain(Assert.Throws<Exception>(() => _ml.Model.Load(Saved(failing), out _))));
        CollectionAssert.AreEqual(new[] { wrap, wrap, bare },
            Support.Chain(Assert.Throws<Exception>(() => _ml.Model.Load(Saved(new TransformerChain<ITransformer>(failing)), out _))));
    }

    [TestMethod]
    public void Without_an_assembly_name_the_model_cannot_be_read_back()
    {
        EchoTransformer nameless = Echo();
        nameless.SavedAssembly = null;
        nameless.SavedBlock = [1, 2, 3];
        Assert.AreEqual(new FormatException().Message, Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(Saved(nameless), out _)).Message);
        // An empty block can be read, but nobody says where its loader is.
        nameless.SavedBlock = [];
        Assert.AreEqual("Couldn't load model: 'TransformerChain'",
            Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.Load(Saved(nameless), out _)).Message);
    }

    [TestMethod]
    public void A_loader_travels_with_the_model()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "one\ntwo\n");
            using var stream = new MemoryStream();
            _ml.Model.Save(Echo(), new LinesLoader(), stream);
            stream.Position = 0;
            ITransformer model = new MLContext().Model.LoadWithDataLoader(stream, out IDataLoader<IMultiStreamSource> loader);
            CollectionAssert.AreEqual(new[] { "ONE", "TWO" }, model.Transform(loader.Load(path)).Texts("Completion"));
            stream.Position = 0;
            Assert.IsInstanceOfType<EchoTransformer>(new MLContext().Model.Load(stream, out DataViewSchema schema));
            Assert.AreEqual("Prompt", schema.Single().Name);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Without_a_loader_in_the_file_asking_for_one_is_an_error()
    {
        InvalidOperationException exception = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Model.LoadWithDataLoader(Saved(Echo()), out _));
        StringAssert.StartsWith(exception.Message, "Model does not contain an IDataLoader");
        Assert.IsInstanceOfType<FormatException>(exception.InnerException);
    }

    [TestMethod]
    public void Loaders_grow_by_estimators_and_transformers()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "one");
            var source = new MultiFileSource(path);
            CompositeDataLoader<IMultiStreamSource, EchoTransformer> fitted = new LinesLoader().Append(new EchoEstimator(_ml)).Append(new EchoEstimator(_ml, "B", "Completion")).Fit(source);
            Assert.AreEqual("ONE", fitted.Load(source).Texts("B").Single());
            Assert.AreEqual("ONE", new LinesLoader().Append(Echo("C")).Load(source).Texts("C").Single());
            Assert.AreEqual(3, fitted.GetOutputSchema().Count);
            fitted.Dispose();
            Assert.IsTrue(fitted.Transformer.LastTransformer.IsDisposed);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Mistakes_in_saving_are_named_and_not_wrapped()
    {
        EchoTransformer silent = Echo();
        silent.SavedSignature = null;
        Assert.AreEqual("ModelSignature not specified!", Assert.ThrowsExactly<InvalidOperationException>(() => Saved(silent)).Message);
        EchoTransformer shortened = Echo();
        shortened.SavedSignature = "SHORT";
        Assert.AreEqual("Model signature must be eight characters", Assert.ThrowsExactly<InvalidOperationException>(() => Saved(shortened)).Message);
        EchoTransformer wordy = Echo();
        wordy.SavedLoader = new string('x', 25);
        Assert.ThrowsExactly<InvalidOperationException>(() => Saved(wordy));
    }

    [TestMethod]
    public void Streams_that_cannot_seek_are_enough_for_saving()
    {
        var memory = new MemoryStream();
        using (var zipped = new GZipStream(memory, CompressionMode.Compress, leaveOpen: true))
            _ml.Model.Save(Echo(), _ml.View().Schema, zipped);
        memory.Position = 0;
        var plain = new MemoryStream();
        new GZipStream(memory, CompressionMode.Decompress).CopyTo(plain);
        plain.Position = 0;
        Assert.IsInstanceOfType<EchoTransformer>(_ml.Model.Load(plain, out _));
    }

    [TestMethod]
    public void Temporary_files_lie_in_the_context_s_folder_and_go_away()
    {
        string folder = Directory.CreateTempSubdirectory("standin").FullName;
        try
        {
            var ml = new MLContext { TempFilePath = folder };
            using var stream = new WatchingStream(() => Directory.GetDirectories(folder, "ml_dotnet_*").Length);
            ml.Model.Save(Echo(weights: 10_000_000), ml.View().Schema, stream);
            Assert.AreEqual(1, stream.Most);
            stream.Position = 0;
            ml.Model.Load(stream, out _);
            Assert.AreEqual(0, Directory.GetFileSystemEntries(folder).Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void Neither_schema_nor_model_is_needed()
    {
        var stream = new MemoryStream();
        _ml.Model.Save(Echo(), (DataViewSchema)null, stream);
        stream.Position = 0;
        Assert.IsInstanceOfType<EchoTransformer>(_ml.Model.Load(stream, out DataViewSchema schema));
        Assert.IsNull(schema);
        Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(new MemoryStream([1, 2, 3]), out _));
    }

    /// <summary>Asks something at every write.</summary>
    private sealed class WatchingStream(Func<int> watch) : MemoryStream
    {
        public int Most { get; private set; }

        public override void Write(byte[] buffer, int offset, int count)
        {
            Most = Math.Max(Most, watch());
            base.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Most = Math.Max(Most, watch());
            base.Write(buffer);
        }
    }
}
