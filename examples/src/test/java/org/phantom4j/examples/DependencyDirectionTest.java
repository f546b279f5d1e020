package org.phantom4j.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Dependencies point one way: examples → layers → ops → comm. Backends are found by name, not referred to. */
@AnalyzeClasses(packages = "org.phantom4j", importOptions = ImportOption.DoNotIncludeTests.class)
class DependencyDirectionTest {

    private static final String[] BACKENDS = {
        "org.nd4j.linalg.cpu..",
        "org.nd4j.linalg.jcublas..",
        "org.nd4j.jita..",
        "org.nd4j.nativeblas..",
        "org.bytedeco.."
    };

    @ArchTest
    static final ArchRule MODULES_POINT_ONE_WAY = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("comm")
            .definedBy("org.phantom4j.comm..")
            .layer("ops")
            .definedBy("org.phantom4j.ops..")
            .layer("layers")
            .definedBy("org.phantom4j.layers..")
            .layer("examples")
            .definedBy("org.phantom4j.examples..")
            .whereLayer("examples")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("layers")
            .mayOnlyBeAccessedByLayers("examples")
            .whereLayer("ops")
            .mayOnlyBeAccessedByLayers("layers", "examples")
            .whereLayer("comm")
            .mayOnlyBeAccessedByLayers("ops", "layers", "examples");

    @ArchTest
    static final ArchRule ONLY_THE_BACKENDS_PLACES_KNOW_BACKENDS = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "org.phantom4j.examples..", "org.phantom4j.ops.backend..", "org.phantom4j.ops.cuda..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(BACKENDS)
            .because("which backend computes is decided on the class path");

    @ArchTest
    static final ArchRule LOWER_MODULES_DO_NOT_KNOW_DEEPLEARNING4J = noClasses()
            .that()
            .resideInAnyPackage("org.phantom4j.comm..", "org.phantom4j.ops..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.deeplearning4j..");

    @ArchTest
    static final ArchRule PACKAGES_HAVE_NO_CYCLES =
            slices().matching("org.phantom4j.(*)..").should().beFreeOfCycles();
}
